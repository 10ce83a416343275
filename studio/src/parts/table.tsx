// A table of the library, as it stands in reports and on the terminal.
import type { Table } from 'inkhorn/figures';
import type { VNode } from 'preact';

export function TableView({ table: { title, columns, rows, note } }: { table: Table }): VNode {
  return (
    <div class="scroll">
      <table>
        <caption>{title}</caption>
        <thead>
          <tr>
            {columns.map((name, c) =>
              name === '' ? (
                <td key={c} />
              ) : (
                <th key={c} scope="col">
                  {name}
                </th>
              ),
            )}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, r) => (
            <tr key={r}>
              {cells.map((cell, c) =>
                c === 0 ? (
                  <th key={c} scope="row">
                    {cell}
                  </th>
                ) : (
                  <td key={c}>{cell}</td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {note && <small class="muted">{note}</small>}
    </div>
  );
}
