import { isIP, isIPv4, isIPv6 } from 'node:net'
import { QuorateError } from './errors.js'
import { can } from './machine-versions.js'
import { bracketed } from './names.js'

/** First line of every load balancer file that Quorate writes. */
export const quorateHeader = '# Written by Quorate; what you change here is lost when a control plane joins or leaves.'

export interface LoadBalancerBackend {
  /** The control plane's node name. */
  readonly name: string
  readonly address: string
  /** Port of its API server. */
  readonly port: number
}

export interface HaproxyInput {
  /** Port that haproxy listens on. */
  readonly port: number
  /** Address that it listens on; '': every one of the node. */
  readonly bindAddress?: string
  readonly backends: readonly LoadBalancerBackend[]
  /** How long an answer to a check may take; milliseconds. */
  readonly checkTimeoutMs?: number
  /** Where anonymous requests are refused: 401 and 403 are alive too, only an API server says so (k3s#3576). It then sees no more than that. */
  readonly acceptRefusal?: boolean
  /** Release of the haproxy that reads it, such as `2.6.12`; '': not known. */
  readonly version?: string
}

export interface KeepalivedInput {
  readonly virtualIp: string
  readonly interfaceName: string
  readonly prefixLength: number
  /** 1 to 255, unique in the subnet. */
  readonly virtualRouterId: number
  /** 1 to 254; among equals that see each other first the highest takes the address. */
  readonly priority: number
  readonly ownAddress: string
  /** Addresses of the load balancer's nodes; this node's own may be among them. */
  readonly peers: readonly string[]
  /** Port of the local haproxy: a node whose haproxy does not listen gives the address up. */
  readonly port: number
}

function wanted(holds: boolean, what: string, value: unknown): void {
  if (!holds) throw new QuorateError('INVALID_REQUEST', `load balancer: not ${what}: ${JSON.stringify(value)}`)
}

function whole(what: string, value: number, [from, to]: readonly [number, number]): void {
  wanted(Number.isInteger(value) && value >= from && value <= to, `${what} between ${from} and ${to}`, value)
}

const anyPort = [1, 65535] as const

/** If Quorate wrote a configuration file: others are never replaced. */
export function isQuorateConfig(text: string): boolean {
  return text.startsWith('# Written by Quorate;')
}

function backendLine({ name, address, port }: LoadBalancerBackend): string {
  wanted(/^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(name), 'a backend name', name)
  wanted(isIP(address) !== 0, 'an IP address', address)
  whole('a port', port, anyPort)
  return `  server ${name} ${bracketed(address)}:${port}`
}

/** `*` is every address of IPv4 alone (haproxy's configuration manual, bind); where IPv6 is in play, both families. */
function bindLine(bindAddress: string, port: number, backends: readonly LoadBalancerBackend[]): string {
  if (bindAddress !== '') return `  bind ${bracketed(bindAddress)}:${port}`
  return backends.some(({ address }) => isIPv6(address)) ? `  bind [::]:${port} v4v6` : `  bind *:${port}`
}

function checkHaproxy(
  input: Required<Pick<HaproxyInput, 'bindAddress' | 'checkTimeoutMs' | 'port' | 'backends'>>,
): void {
  const { bindAddress, backends } = input
  whole('a port', input.port, anyPort)
  whole('milliseconds', input.checkTimeoutMs, [100, 60_000])
  wanted(bindAddress === '' || isIP(bindAddress) !== 0, 'an IP address', bindAddress)
  wanted(new Set(backends.map(({ name }) => name)).size === backends.length, 'distinct backend names', backends)
}

const globalSection = `global
  log /dev/log local0 notice
  chroot /var/lib/haproxy
  user haproxy
  group haproxy
  stats socket /var/lib/haproxy/quorate.sock mode 600 level admin expose-fd listeners
`

const checkByRules = `  option httpchk
  http-check connect ssl
  http-check send meth GET uri /readyz`

/** As releases before 2.2 take it; they ask with HTTP/1.0, which an API server answers alike. */
const checkByOption = '  option httpchk GET /readyz'

/**
 * haproxy.cfg: TCP passthrough, because client certificates must reach the API server. `/readyz` decides, not an open port; connections to a
 * dead backend are cut at once, and a new one that a dead machine does not answer is given to another after half a second, long before the
 * checks have found out. Idle watches live for hours, and a reload hands the listening sockets over (`expose-fd listeners`) so that none is
 * refused. haproxy 1.8 or later. Without backends it accepts and closes. Where every check fails, as on machines that are too busy to answer in
 * time, connections go to the control planes all the same: a late answer is better than none, and a single one keeps its connections.
 */
export function renderHaproxy(input: HaproxyInput): string {
  const { bindAddress = '', checkTimeoutMs = 2000, acceptRefusal, port, backends, version = '' } = input
  checkHaproxy({ bindAddress, checkTimeoutMs, port, backends })
  const servers = backends.map((backend) => `${backendLine(backend)}\n`).join('')
  const [check, tls] = can('haproxy-http-check-connect', version) ? [checkByRules, ''] : [checkByOption, 'check-ssl ']
  return `${quorateHeader}
${globalSection}
defaults
  mode tcp
  log global
  option dontlognull
  option tcplog
  option clitcpka
  option srvtcpka
  option redispatch 1
  retries 3
  timeout connect 500ms
  timeout check ${checkTimeoutMs}ms
  timeout queue 10s
  timeout client 4h
  timeout server 4h
  timeout tunnel 4h

frontend kube-apiserver
${bindLine(bindAddress, port, backends)}
  use_backend unchecked if { nbsrv(control-planes) lt 1 }
  default_backend control-planes

backend control-planes
  balance roundrobin
${check}
  http-check expect ${acceptRefusal ? 'rstatus ^(200|401|403)$' : 'status 200'}
  default-server check ${tls}verify none inter 1s fall 2 rise 2${backends.length > 1 ? ' on-marked-down shutdown-sessions' : ''}
${servers}
backend unchecked
  balance roundrobin
${servers}`
}

function checkKeepalived(input: KeepalivedInput): void {
  wanted(isIP(input.virtualIp) !== 0, 'an IP address', input.virtualIp)
  wanted(isIP(input.ownAddress) !== 0, 'an IP address', input.ownAddress)
  for (const peer of input.peers) wanted(isIP(peer) !== 0, 'an IP address', peer)
  wanted(/^[A-Za-z0-9][A-Za-z0-9_.@:-]{0,14}$/.test(input.interfaceName), 'an interface name', input.interfaceName)
  whole('a prefix length', input.prefixLength, [1, isIPv4(input.virtualIp) ? 32 : 128])
  whole('a virtual router id', input.virtualRouterId, [1, 255])
  whole('a priority', input.priority, [1, 254])
  whole('a port', input.port, anyPort)
}

function unicast(input: KeepalivedInput): string {
  const peers = [...new Set(input.peers)].filter((peer) => peer !== input.ownAddress)
  const lines = peers.map((peer) => `    ${peer}\n`).join('')
  return `  unicast_src_ip ${input.ownAddress}\n  unicast_peer {\n${lines}  }\n`
}

/**
 * keepalived.conf: unicast (multicast VRRP is filtered in many networks and mixes clusters up), all BACKUP and nopreempt (a node
 * that comes back must not take the address away from one that works), adverts every 0.5 s (VRRP 3): three that are missing, 1.6 s,
 * and another node takes the address. At 0.2 s a virtual machine that stood still for 0.7 s lost it, and with it each open connection.
 * The script is named by a path without links: keepalived 2.3 calls `/bin/bash` insecure where /bin is a link (real Debian 13).
 */
export function renderKeepalived(input: KeepalivedInput): string {
  checkKeepalived(input)
  return `${quorateHeader}
global_defs {
  vrrp_version 3
  enable_script_security
  script_user root
}

vrrp_script haproxy_listens {
  script "/usr/bin/env bash -c '</dev/tcp/127.0.0.1/${input.port}'"
  interval 1
  timeout 1
  fall 2
  rise 2
}

vrrp_instance quorate {
  state BACKUP
  nopreempt
  interface ${input.interfaceName}
  virtual_router_id ${input.virtualRouterId}
  priority ${input.priority}
  advert_int 0.5
${unicast(input)}  virtual_ipaddress {
    ${input.virtualIp}/${input.prefixLength} dev ${input.interfaceName}
  }
  track_script {
    haproxy_listens
  }
}
`
}
