import type {
  MeasurePathRequest,
  MeasurePathResponse,
  ProbeEndpointRequest,
  ProbeEndpointResponse,
} from '@quorate/shared/gen/quorate/v1/node_agent'

/** Client credentials for an authenticated GET; PEM. */
export interface ClientCredentials {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

/** A bootstrap token, for the header `Authorization`. */
export interface BearerToken {
  readonly token: string
}

export interface HttpsAnswer {
  readonly status: number
  readonly body: string
}

/** A temporary TLS listener, closed by `close`. */
export interface HeldPorts {
  readonly listening: readonly number[]
  readonly inUse: readonly number[]
  readonly certificateSha256: string
  /** Resolves when the ports are free again. */
  readonly closed: Promise<void>
  close(): Promise<void>
}

/** A repeated question to one server. */
export type Question = HttpsQuestion | DnsQuestion

interface AnyQuestion {
  /** A name or an address. */
  readonly host: string
  readonly port: number
  readonly everyMs: number
  /** Called with each answer, or why there was none. */
  answered(answer: Answered): void
}

/** For the address of a name, over UDP, each time from another port. `host` is an address. */
export interface DnsQuestion extends AnyQuestion {
  readonly dnsName: string
}

export interface HttpsQuestion extends AnyQuestion {
  /** Name that the certificate must be valid for; empty: only the chain is verified. */
  readonly serverName: string
  readonly caPem: string
  readonly credentials?: ClientCredentials | undefined
  /** How often a new connection replaces the kept one; 0: in turn with all others. */
  readonly freshMs: number
  /** The request is idempotent. */
  readonly isRepeatable: boolean
  /** The whole request, HTTP/1.1. */
  request(): Buffer
}

/** Both times are of this process's monotonic clock, milliseconds; several questions can be in progress. */
export type Answered = ({ readonly status: number } | { readonly error: string }) & {
  readonly askedAt: number
  readonly at: number
  /** How long this machine stalled: during the question, and in total; milliseconds. */
  readonly stalled: { readonly meanwhile: number; readonly inAll: number }
}

export interface Asking {
  /** Closes; no callback follows. */
  stop(): void
}

/** The network as this node sees it. Names are resolved with getent, as the node's programs do, never through cluster DNS. */
export interface Network {
  /** Addresses in the order of the answer; empty if the name is unknown. */
  resolve(name: string, signal?: AbortSignal): Promise<string[]>
  probe(request: ProbeEndpointRequest, caPem: string, signal?: AbortSignal): Promise<ProbeEndpointResponse>
  /** GET with full verification against `caPem`; resolves `url`'s host as `resolve` does. Timeout 5 s. */
  get(
    url: string,
    caPem: string,
    credentials?: ClientCredentials | BearerToken,
    signal?: AbortSignal,
  ): Promise<HttpsAnswer>
  /** Waits for a port that another call holds. */
  holdPorts(ports: readonly number[], signal?: AbortSignal): Promise<HeldPorts>
  /** To a port that another agent holds, identified by its certificate. A failure is a result. */
  measurePath(request: MeasurePathRequest, signal?: AbortSignal): Promise<MeasurePathResponse>
  /**
   * Asks all questions until `stop`, even without answers; on kept connections, one of which is replaced every `freshMs`, in turn: a new client meets
   * what a kept connection does not, such as another backend or a new certificate.
   */
  keepAsking(questions: readonly Question[], freshMs: number): Asking
}
