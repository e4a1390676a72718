import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readFileAtMost } from '../config/read-file-at-most.js'
import type { StatePaths } from './paths.js'
import { writeDurably } from './write-file.js'

/** The requests of a run for certificates that a person has signed elsewhere: `runs/RUN/csr/CA/NODE/NAME.csr`. */
export interface RequestFolder {
  readonly path: string
  write(request: OperatorRequest): Promise<void>
  /** What lies beside a request: PEM as it was put there; undefined while there is nothing. */
  readCertificate(place: RequestPlace): Promise<string | undefined>
  requestPath(place: RequestPlace): string
}

interface RequestPlace {
  readonly node: string
  /** `apiserver`, `admin.conf` */
  readonly name: string
  /** `ca`, `etcd/ca` */
  readonly ca: string
}

/** All of it is public. */
export interface OperatorRequest extends RequestPlace {
  /** PEM. */
  readonly csr: string
  /** For openssl's `-extfile`. */
  readonly extensions: string
}

/** A certificate with its whole chain is a few KiB. */
const largestCertificate = 256 * 1024

export function requestFolder(paths: Pick<StatePaths, 'runs'>, run: string): RequestFolder {
  const path = join(paths.runs, run, 'csr')
  const at = ({ node, name, ca }: RequestPlace, ending: string): string =>
    join(path, ca.replace('/', '-'), node, `${name}.${ending}`)
  return {
    path,
    requestPath: (place) => at(place, 'csr'),
    async write(request) {
      await mkdir(dirname(at(request, 'csr')), { recursive: true, mode: 0o700 })
      await writeDurably(at(request, 'ext'), request.extensions, 0o644)
      await writeDurably(at(request, 'csr'), request.csr, 0o644)
    },
    readCertificate: (place) =>
      readFileAtMost(at(place, 'crt'), largestCertificate).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      }),
  }
}
