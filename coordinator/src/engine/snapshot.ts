/**
 * What an order's own house saw of its subject at one moment, for a person to compare: plain data, opaque to the engine, which decides nothing by it.
 */
export type Snapshot = Readonly<Record<string, unknown>>
