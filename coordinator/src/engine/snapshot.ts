/**
 * What an order's own package saw of its subject at one moment, for the operator to compare: plain data, opaque to the engine; no decision depends on it.
 */
export type Snapshot = Readonly<Record<string, unknown>>
