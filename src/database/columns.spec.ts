import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type JsonColumn, jsonRows } from './columns.js';

@Entity('parcels')
class ParcelEntity {
  @PrimaryColumn('uuid')
  id: string;

  @Column({ name: 'is_sent', type: Boolean, nullable: true })
  isSent: boolean | null;

  @Column({ name: 'sent_at', type: Date, precision: 3, nullable: true })
  sentAt: Date | null;
}

const PARCELS = jsonRows(ParcelEntity, {
  of: 'p',
  only: ['id', 'isSent', 'sentAt'],
  flags: { isLate: 'p.sent_at > p.due_at' },
});
const sentAt = new Date('2026-11-21T09:30:00.123Z');

describe('rows in a JSON column', () => {
  it('are selected by the names of the properties', () => {
    expect(PARCELS.select.sqlite).toBe(
      "json_group_array(json_object('id', p.id, 'isSent', p.is_sent, 'sentAt', p.sent_at, 'isLate', p.sent_at > p.due_at))",
    );
  });

  it.each<[string, JsonColumn]>([
    ['PostgreSQL', [{ id: '1', isSent: true, sentAt: '2026-11-21T10:30:00.123+01:00', isLate: false }]],
    ['SQLite', JSON.stringify([{ id: '1', isSent: 1, sentAt: '2026-11-21 09:30:00.123', isLate: 0 }])],
  ])('have the types of the entity on %s', (_, column) => {
    expect(PARCELS.parse(column)).toEqual([{ id: '1', isSent: true, sentAt, isLate: false }]);
  });

  it('keep NULL', () => {
    const empty = { id: '1', isSent: null, sentAt: null, isLate: null };
    expect(PARCELS.parse([{ ...empty }])).toEqual([empty]);
  });

  it('are an empty list without rows', () => {
    expect([PARCELS.parse(null), PARCELS.parse('[]')]).toEqual([[], []]);
  });
});
