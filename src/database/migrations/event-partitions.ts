/**
 * Makes the partitions of today and the next days, and drops those from before the given day. It runs as its
 * owner, since the server's role may not change the schema, and in the schema of the tables. A waiting lock would block every delivery, so it
 * gives up soon, and the next run tries again.
 */
export const keepEventDaysIn = (schema: string) => `
CREATE FUNCTION keep_event_days(oldest date) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = "${schema.replaceAll('"', '""')}", pg_temp SET lock_timeout = '2s' AS $$
DECLARE
  today date := (now() AT TIME ZONE 'UTC')::date;
  kept date;
  partition text;
BEGIN
  FOR partition IN
    SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
    WHERE i.inhparent = 'event_deliveries'::regclass AND c.relname ~ '_[0-9]{8}$'
      AND right(c.relname, 8) < to_char(oldest, 'YYYYMMDD')
  LOOP
    EXECUTE format('DROP TABLE %I', partition);
  END LOOP;
  FOR kept IN SELECT generate_series(today, today + 7, interval '1 day')::date LOOP
    partition := 'event_deliveries_' || to_char(kept, 'YYYYMMDD');
    IF to_regclass(partition) IS NULL
      AND NOT EXISTS (SELECT FROM event_deliveries_default WHERE day = to_char(kept, 'YYYY-MM-DD'))
    THEN
      EXECUTE format('CREATE TABLE %I PARTITION OF event_deliveries FOR VALUES IN (%L)',
        partition, to_char(kept, 'YYYY-MM-DD'));
    END IF;
  END LOOP;
  DELETE FROM event_deliveries_default WHERE day < to_char(oldest, 'YYYY-MM-DD');
END $$`;
