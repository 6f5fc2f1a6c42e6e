import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { shortDayOf } from '../../text/format';
import styles from './plot.module.css';
import type { Line, Point } from './series';

const HEIGHT = 220;

const token = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

interface PlotProps {
  label: string;
  points: readonly Point[];
  lines: readonly Line[];
  format: (value: number, compact?: boolean) => string;
}

function optionsOf(
  { lines, format }: PlotProps,
  width: number,
  onCursor: (index: number | null) => void,
): UPlot.Options {
  const axis = { stroke: token('--ink-3'), font: `11px ${token('--font')}`, ticks: { show: false } };
  const grid = { stroke: token('--line'), width: 1 };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 7 } },
    scales: { y: { range: (_plot, _min, max) => [0, max <= 0 ? 1 : max * 1.1] } },
    axes: [
      { ...axis, grid: { show: false }, values: (_plot, seconds) => seconds.map(shortDayOf), space: 80 },
      { ...axis, grid, size: 64, values: (_plot, values) => values.map((value) => format(value, true)) },
    ],
    series: [
      {},
      ...lines.map(({ name, color, look }) => ({
        label: name,
        stroke: token(color),
        width: look === 'area' ? 2 : 1.5,
        ...(look === 'area' ? { fill: `${token(color)}22` } : { dash: [4, 3] }),
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [({ cursor }) => onCursor(cursor.idx ?? null)] },
  };
}

/** The values under the mouse, or where the arrow keys are, are in the legend. The table has all of them. */
export function Plot(props: PlotProps) {
  const { label, points, lines, format } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<UPlot>(undefined);
  const [index, setIndex] = useState<number | null>(null);
  const [theme, setTheme] = useState(0);

  useEffect(() => {
    const redraw = () => setTheme((count) => count + 1);
    const system = matchMedia('(prefers-color-scheme: dark)');
    addEventListener('themechange', redraw);
    system.addEventListener('change', redraw);
    return () => {
      removeEventListener('themechange', redraw);
      system.removeEventListener('change', redraw);
    };
  }, []);

  useEffect(() => {
    const element = place.current;
    if (!element) return;
    const data: UPlot.AlignedData = [
      points.map(({ start }) => Date.parse(start) / 1_000),
      ...lines.map(({ pick }) => points.map(pick)),
    ];
    const drawn = new UPlot(
      optionsOf({ label, points, lines, format }, element.clientWidth, setIndex),
      data,
      element,
    );
    plot.current = drawn;
    const observer = new ResizeObserver(() => drawn.setSize({ width: element.clientWidth, height: HEIGHT }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      drawn.destroy();
    };
    // Lines and format are made of the label's parts.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [points, label, theme]);

  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const drawn = plot.current;
    if (step === undefined || !drawn) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(points.length - 1, (index ?? points.length) + step));
    drawn.setCursor({ left: drawn.valToPos(drawn.data[0][next] ?? 0, 'x'), top: 0 });
  };

  const point = index === null ? undefined : points[index];
  return (
    <div className={styles.plot}>
      <div className={styles.legend} aria-live="polite">
        {lines.map(({ name, color, look, pick }) => (
          <span key={name}>
            <svg viewBox="0 0 18 10" aria-hidden="true">
              <line
                x1="0"
                x2="18"
                y1="5"
                y2="5"
                stroke={`var(${color})`}
                strokeWidth={look === 'area' ? 3 : 2}
                strokeDasharray={look === 'dashed' ? '4 3' : undefined}
              />
            </svg>
            {name} {point && <b>{format(pick(point))}</b>}
          </span>
        ))}
        {point && <span>{shortDayOf(Date.parse(point.start) / 1_000)}</span>}
      </div>
      <div
        ref={place}
        className={styles.canvas}
        role="group"
        aria-label={label}
        tabIndex={0}
        onKeyDown={onKeyDown}
      />
    </div>
  );
}
