/** Milliseconds in readable units: `0.4 s`, `12 s`, `3 min 5 s`, `1 h 2 min`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, ms) / 1000
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  if (whole < 60) return `${whole} s`
  const minutes = Math.floor(whole / 60)
  if (minutes < 60) return `${minutes} min ${whole % 60} s`
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`
}

/** Time of day in UTC, `22:15:30Z`: journals from several time zones compare directly. */
export const timeOfDay = (unixMs: number): string => `${new Date(unixMs).toISOString().slice(11, 19)}Z`

/** `2026-11-22 22:15:30Z`. */
export const dateAndTime = (unixMs: number): string =>
  `${new Date(unixMs).toISOString().slice(0, 19).replace('T', ' ')}Z`
