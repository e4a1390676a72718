/** `480 ms`, `12.3 s`, `2 min 05 s`, `1 h 02 min`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`
  const seconds = Math.round(ms / 1_000)
  const two = (value: number) => String(value).padStart(2, '0')
  return seconds < 3_600
    ? `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`
    : `${Math.floor(seconds / 3_600)} h ${two(Math.floor(seconds / 60) % 60)} min`
}

/** `2026-11-25 18:46:05 UTC`: reports are read elsewhere and later. */
export const moment = (unixMs: number): string => `${new Date(unixMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`
export const day = (unixMs: number): string => new Date(unixMs).toISOString().slice(0, 10)
export const timeOfDay = (unixMs: number): string => new Date(unixMs).toISOString().slice(11, 19)

/** With thin spaces between thousands: no locale reads them as a decimal point. */
export const counted = (value: number): string => String(value).replaceAll(/\B(?=(\d{3})+$)/g, '\u202f')

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${counted(value)} ${value === 1 ? one : many}`

/** Names without their common domain; the drawing has no room for it. */
export function shortNames(names: readonly string[]): (name: string) => string {
  const domainOf = (name: string) => (name.includes('.') ? name.slice(name.indexOf('.')) : '')
  const domain = domainOf(names[0] ?? '')
  const shared = domain !== '' && names.every((name) => domainOf(name) === domain)
  return (name) => (shared && name.endsWith(domain) ? name.slice(0, -domain.length) : name)
}
