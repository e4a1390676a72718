import type { ReportedPicture, RunReport } from './schema.js'

export type ReportedCertificate = ReportedPicture['certificates'][number] & {
  /** Issued in this run: its serial is new. */
  readonly isNew: boolean
}

/** The control planes' certificates after the run, or before it when no end was recorded. */
export function certificatesOf({ seen: { before, after } }: RunReport): readonly ReportedCertificate[] {
  const known = new Set(before?.certificates.map(({ serial, subject }) => `${serial} ${subject}`))
  const shown = after ?? before
  return (shown?.certificates ?? []).map((one) => ({
    ...one,
    isNew: before !== undefined && !known.has(`${one.serial} ${one.subject}`),
  }))
}
