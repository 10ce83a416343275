// What changes faster than the page should be drawn.
import { useEffect, useRef, useState } from 'preact/hooks';

/** The value as it was up to `wait` milliseconds ago; 0: as it is. */
export function useSlowly(value: number, wait: number): number {
  const [shown, setShown] = useState(value);
  const changed = useRef(0);
  useEffect(() => {
    const left = changed.current + wait - performance.now();
    const timer = setTimeout(
      () => {
        changed.current = performance.now();
        setShown(value);
      },
      Math.max(0, left),
    );
    return () => clearTimeout(timer);
  }, [value, wait]);
  return wait === 0 ? value : shown;
}
