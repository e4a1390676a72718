import { QuorateError } from '@quorate/shared/errors'
import type { PlaceSignedCertificatesRequest, SignedCertificate } from '@quorate/shared/gen/quorate/v1/node_agent'
import type { TouchedObject } from '@quorate/shared/gen/quorate/v1/operation'
import { sha256Hex } from '@quorate/shared/hash'
import { plural } from '@quorate/shared/plural'
import { backupPlace, keepFiles } from './backup/store.js'
import { type ChangeContext, changeOperation, doneIf } from './context/operation.js'
import { changed, unchanged } from './context/result.js'
import {
  filesOf,
  type RequestPlace,
  readRequest,
  requestPlace,
  requireFit,
  requireLeaf,
} from './signed-elsewhere/requests.js'

interface Piece {
  readonly path: string
  readonly text: string
}

/** Stores certificates that were signed elsewhere beside the keys of this run's requests; all are checked before the first is written. */
export const placeSignedCertificates = changeOperation<PlaceSignedCertificatesRequest>(
  async ({ certificates }, context) => {
    const place = requestPlace(context)
    const { host } = place
    for (const certificate of certificates) await requireAsked(place, certificate)
    const missing: { piece: Piece; before: string }[] = []
    for (const piece of certificates.flatMap((one) => piecesOf(context, one))) {
      const before = await hashAt(place, piece.path)
      if (before !== sha256Hex(piece.text)) missing.push({ piece, before })
    }
    const count = plural(certificates.length, 'certificate')
    if (missing.length === 0) return unchanged(`already on this node: ${count}`)
    await keepFiles(
      backupPlace(context),
      missing.map(({ piece }) => piece.path),
    )
    context.signal.throwIfAborted()
    const touched: TouchedObject[] = []
    for (const { piece, before } of missing) {
      await host.replace(piece.path, Buffer.from(piece.text), { mode: 0o600 })
      touched.push({ name: piece.path, sha256Before: before, sha256After: sha256Hex(piece.text) })
    }
    return changed({ summary: `placed ${count}, verified against the requests`, touched })
  },
  {
    evidence: async ({ certificates }, context) => {
      const place = requestPlace(context)
      const pieces = certificates.flatMap((one) => piecesOf(context, one))
      const hashes = await Promise.all(pieces.map(async ({ path }) => [path, await hashAt(place, path)] as const))
      const done = pieces.every(({ text }, index) => hashes[index]?.[1] === sha256Hex(text))
      return doneIf(done, Object.fromEntries(hashes.filter(([, hash]) => hash !== '')))
    },
  },
)

/** The certificate last, in the same folder as its CA. */
function piecesOf(context: Pick<ChangeContext, 'tools' | 'header'>, one: SignedCertificate): Piece[] {
  const files = filesOf(requestPlace(context), requireLeaf(one.name))
  return [
    { path: files.ca, text: one.caPem },
    { path: files.certificate, text: one.certificatePem },
  ]
}

async function hashAt({ host }: RequestPlace, path: string): Promise<string> {
  const file = await host.read(path)
  return file === undefined ? '' : sha256Hex(file.bytes)
}

async function requireAsked(place: RequestPlace, { name, certificatePem, caPem }: SignedCertificate): Promise<void> {
  const leaf = requireLeaf(name)
  const csr = await readRequest(place, leaf)
  if (csr === undefined)
    throw new QuorateError('CERTIFICATE_INVALID', `this run made no request for the certificate ${name} on this node`)
  requireFit(leaf, { csr, certPem: certificatePem, caPem })
}
