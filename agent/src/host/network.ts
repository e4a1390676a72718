import type { ProbeEndpointRequest, ProbeEndpointResponse } from '@quorate/shared/gen/quorate/v1/node_agent'

/** Client credentials for an authenticated GET; PEM. */
export interface ClientCredentials {
  readonly cert: string | Buffer
  readonly key: string | Buffer
}

export interface HttpsAnswer {
  readonly status: number
  readonly body: string
}

/** A throw-away TLS listener, closed by `close`. */
export interface HeldPorts {
  readonly listening: readonly number[]
  readonly inUse: readonly number[]
  readonly certificateSha256: string
  close(): Promise<void>
}

/** The network as this node sees it. Names are resolved with getent, as the node's programs do, never through cluster DNS. */
export interface Network {
  /** Addresses in the order of the answer; empty when the name is unknown. */
  resolve(name: string, signal?: AbortSignal): Promise<string[]>
  probe(request: ProbeEndpointRequest, caPem: string, signal?: AbortSignal): Promise<ProbeEndpointResponse>
  /** GET with full verification against `caPem`; resolves `url`'s host as `resolve` does. Timeout 5 s. */
  get(url: string, caPem: string, credentials?: ClientCredentials, signal?: AbortSignal): Promise<HttpsAnswer>
  holdPorts(ports: readonly number[]): Promise<HeldPorts>
}
