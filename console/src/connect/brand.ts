import { useEffect } from 'react';

/** What WCAG 2 asks of controls. Text on the colour always has more. */
const LEAST_CONTRAST = 3;
const INKS = ['#ffffff', '#000000'] as const;
const PROPERTIES = ['--accent', '--accent-ink', '--accent-soft'] as const;

/** Relative luminance of `#rgb` or `#rrggbb`. */
function luminance(color: string): number {
  const digits = color.trim().slice(1);
  const pairs = digits.length === 3 ? digits.replace(/./g, '$&$&') : digits;
  const [red = 0, green = 0, blue = 0] = [0, 2, 4].map((at) => {
    const part = parseInt(pairs.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Makes the platform's colour the accent, in each theme in which it can be seen. */
export function useBrand(color: string | null): void {
  useEffect(() => {
    if (color === null) return;
    const root = document.documentElement;
    const clear = () => PROPERTIES.forEach((name) => root.style.removeProperty(name));
    const apply = () => {
      clear();
      const surface = getComputedStyle(root).getPropertyValue('--surface');
      if (contrast(color, surface) < LEAST_CONTRAST) return;
      const [light, dark] = INKS;
      root.style.setProperty('--accent', color);
      root.style.setProperty('--accent-ink', contrast(color, light) >= contrast(color, dark) ? light : dark);
      root.style.setProperty('--accent-soft', `color-mix(in srgb, ${color} 16%, ${surface})`);
    };
    const theme = matchMedia('(prefers-color-scheme: dark)');
    apply();
    theme.addEventListener('change', apply);
    return () => {
      theme.removeEventListener('change', apply);
      clear();
    };
  }, [color]);
}
