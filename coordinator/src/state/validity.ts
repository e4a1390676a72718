import { readCertificate } from '@quorate/shared/pki'

/** When something begins and ends; Unix milliseconds. */
export interface Validity {
  readonly from: number
  readonly until: number
}

/** What proves an identity is renewed when a third of its life is left. */
export const isDue = ({ from, until }: Validity, now: number): boolean => now > from + ((until - from) * 2) / 3

/** When a certificate in PEM begins and ends. */
export function validityOf(certificate: string): Validity {
  const { notBefore, notAfter } = readCertificate(certificate)
  return { from: notBefore.getTime(), until: notAfter.getTime() }
}
