import type { ReactNode } from 'react';
import { text } from '../text';
import styles from './content.module.css';
import { Button } from './controls';

export interface Column<Item> {
  name: string;
  cell: (item: Item) => ReactNode;
  isNumber?: boolean;
}

/** On a phone each row is two lines; the roles keep it a table for screen readers. */
export function Table<Item>({
  label,
  columns,
  items,
  keyOf,
}: {
  label: string;
  columns: readonly Column<Item>[];
  items: readonly Item[];
  keyOf: (item: Item) => string | number;
}) {
  const numbers = ({ isNumber }: Column<Item>) => (isNumber ? styles.number : undefined);
  return (
    <div className={styles.tableWrap}>
      <table className={styles.table} aria-label={label} role="table">
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.name} className={numbers(column)} role="columnheader" scope="col">
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {items.map((item) => (
            <tr key={keyOf(item)} role="row">
              {columns.map((column) => (
                <td key={column.name} className={numbers(column)} role="cell">
                  {column.cell(item)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** For lists with numbered pages. */
export function Pager({
  page,
  pageSize,
  total,
  isExact = true,
  onPage,
}: {
  page: number;
  pageSize: number;
  total: number;
  isExact?: boolean;
  onPage: (page: number) => void;
}) {
  const pages = Math.max(1, Math.ceil(total / pageSize));
  return (
    <>
      <span>
        {text.pages.range((page - 1) * pageSize + 1, Math.min(page * pageSize, total), total, isExact)}
      </span>
      {pages > 1 && (
        <span className="row">
          <Button small disabled={page <= 1} onClick={() => onPage(page - 1)}>
            {text.pages.previous}
          </Button>
          <Button small disabled={page >= pages} onClick={() => onPage(page + 1)}>
            {text.pages.next}
          </Button>
        </span>
      )}
    </>
  );
}
