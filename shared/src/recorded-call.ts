/** One line of an agent's record: who called what, from where, and how it ended. */
export interface RecordedCall {
  /** RFC 3339, by the node's clock. */
  readonly at: string
  readonly method: string
  /** Name in the caller's certificate. */
  readonly caller: string
  /** SHA-256 of that certificate, as openssl prints it. */
  readonly fingerprint: string
  /** IP address and port of the caller. */
  readonly from: string
  readonly run?: string
  readonly operation?: string
  /** `began`, `ended`, or the code of the error. */
  readonly outcome: string
}
