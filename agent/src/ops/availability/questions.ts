import { isIPv6 } from 'node:net'
import type { AvailabilityTarget } from '@quorate/shared/gen/quorate/v1/node_agent'
import { leasePath, microTime } from './lease.js'

/** GET /readyz, built once: it is always the same. */
export function readQuestion(target: AvailabilityTarget): () => Buffer {
  const bytes = Buffer.from(`GET /readyz HTTP/1.1\r\n${headersOf(target)}\r\n`)
  return () => bytes
}

/** Renews the Lease: a write that goes through etcd, and that no component waits for. */
export function writeQuestion(target: AvailabilityTarget): () => Buffer {
  const head = `PATCH ${leasePath} HTTP/1.1\r\n${headersOf(target)}Content-Type: application/merge-patch+json\r\n`
  return () => {
    const body = JSON.stringify({ spec: { renewTime: microTime() } })
    return Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n${body}`)
  }
}

const headersOf = ({ host, port }: AvailabilityTarget): string =>
  `Host: ${isIPv6(host) ? `[${host}]` : host}:${port}\r\nAccept: application/json, */*\r\nUser-Agent: quorate-agent\r\n`
