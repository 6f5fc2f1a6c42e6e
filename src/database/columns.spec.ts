import { Column, Entity, PrimaryColumn } from 'typeorm';
import { type JsonColumn, jsonRows } from './columns.js';
import { DIALECTS } from './dialect.js';

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
  it('are selected by column', () => {
    expect(PARCELS.select(DIALECTS.sqlite)).toBe(
      'json_group_array(json_array(p.id, p.is_sent, p.sent_at, p.sent_at > p.due_at))',
    );
  });

  it.each<[string, JsonColumn]>([
    ['PostgreSQL', [['1', true, '2026-11-21T10:30:00.123+01:00', false]]],
    ['SQLite', JSON.stringify([['1', 1, '2026-11-21 09:30:00.123', 0]])],
  ])('have the types of the entity on %s', (_, column) => {
    expect(PARCELS.parse(column)).toEqual([{ id: '1', isSent: true, sentAt, isLate: false }]);
  });

  it('keep NULL', () => {
    expect(PARCELS.parse([['1', null, null, null]])).toEqual([
      { id: '1', isSent: null, sentAt: null, isLate: null },
    ]);
  });

  it('are an empty list without rows', () => {
    expect([PARCELS.parse(null), PARCELS.parse('[]')]).toEqual([[], []]);
  });
});
