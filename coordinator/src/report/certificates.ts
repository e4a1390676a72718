import type { ReportedPicture, RunReport } from './schema.js'

export type ReportedCertificate = ReportedPicture['certificates'][number] & {
  /** Issued in this run: its serial was not there before. */
  readonly isNew: boolean
}

/** The control planes' certificates as they are at the end (or were before, where no end was seen). */
export function certificatesOf({ seen: { before, after } }: RunReport): readonly ReportedCertificate[] {
  const known = new Set(before?.certificates.map(({ serial, subject }) => `${serial} ${subject}`))
  const shown = after ?? before
  return (shown?.certificates ?? []).map((one) => ({
    ...one,
    isNew: before !== undefined && !known.has(`${one.serial} ${one.subject}`),
  }))
}
