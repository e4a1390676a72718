import { isIP } from 'node:net'
import { QuorateError } from './errors.js'

declare const brand: unique symbol
type Branded<Name extends string> = string & { readonly [brand]: Name }

/** A Kubernetes node's name: RFC 1123 subdomain, lower case. */
export type NodeName = Branded<'NodeName'>
/** An operation's id: `[a-z0-9-]`, at most 64 characters, fit for a systemd unit's name. */
export type OperationId = Branded<'OperationId'>
/** A run's id, sortable by time of start. */
export type RunId = Branded<'RunId'>

/** `host:port`, the host a DNS name: what becomes controlPlaneEndpoint. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

const dnsLabel = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

/** An IPv4 or IPv6 address, without port or prefix length. */
export const isIpAddress = (text: string): boolean => isIP(text) !== 0

/** RFC 1123 label: lower-case letters, digits and dashes, at most 63. */
export const isDnsLabel = (text: string): boolean => dnsLabel.test(text)

/** RFC 1123 subdomain: at most 253 characters, labels of at most 63. */
export function isDnsName(text: string): boolean {
  return text.length <= 253 && isIP(text) === 0 && text.split('.').every((label) => dnsLabel.test(label))
}

/** A DNS name as certificates have them, upper case too, its first label perhaps a wildcard. */
export const isCertificateName = (text: string): boolean => isDnsName(text.toLowerCase().replace(/^\*\./, ''))

/** Parses a node name; throws INVALID_REQUEST on anything else. */
export function parseNodeName(text: string): NodeName {
  if (!isDnsName(text)) throw new QuorateError('INVALID_REQUEST', `not a node name: ${JSON.stringify(text)}`)
  return text as NodeName
}

/** Parses an operation id; throws INVALID_REQUEST on anything else. */
export function parseOperationId(text: string): OperationId {
  if (!/^[a-z0-9][a-z0-9-]{0,63}$/.test(text))
    throw new QuorateError('INVALID_REQUEST', `not an operation id: ${JSON.stringify(text)}`)
  return text as OperationId
}

/** Parses a run id as `newRunId` makes them; throws RUN_NOT_FOUND on anything else. */
export function parseRunId(text: string): RunId {
  if (!/^[0-9]{8}t[0-9]{6}-[a-z0-9]{6}$/.test(text))
    throw new QuorateError('RUN_NOT_FOUND', `not a run id: ${JSON.stringify(text)}`)
  return text as RunId
}

/** Parses `name:port`; undefined when it is not one. An IP address is not a name. */
export function parseEndpoint(text: string): Endpoint | undefined {
  const match = /^([^:]+):([0-9]{1,5})$/.exec(text)
  const [host, port] = [match?.[1], Number(match?.[2])]
  if (host === undefined || !isDnsName(host) || port < 1 || port > 65535) return undefined
  return { host, port }
}

/** `host:port`. */
export function formatEndpoint({ host, port }: Endpoint): string {
  return `${host}:${port}`
}

/** An address or name as it stands before a colon and a port: without brackets an IPv6 address would have to be guessed apart. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host)

/** `https://host:port`, as kubeconfigs have it. */
export function serverUrl({ host, port }: Endpoint): string {
  return `https://${bracketed(host)}:${port}`
}

/** Where a joiner has token and certificate key between their placing and the join: in tmpfs. */
export const joinSecretPath = '/run/quorate-agent/join-secret.json'
