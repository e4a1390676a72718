const mebi = 2 ** 20
const gibi = 2 ** 30

/** Bytes in readable units: `1.5 GiB`, `20 MiB`. */
export const size = (bytes: number): string =>
  bytes >= gibi ? `${(bytes / gibi).toFixed(1)} GiB` : `${Math.round(bytes / mebi)} MiB`
