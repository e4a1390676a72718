import { posix } from 'node:path'
import { folderProblem } from '@quorate/shared/cluster-folders'
import { largestDenyList } from '@quorate/shared/deny-list'
import { QuorateError } from '@quorate/shared/errors'
import { leafNamed } from '@quorate/shared/kubeadm-certificates'
import { isDnsName, isIpAddress } from '@quorate/shared/names'
import { largestTrustBundle } from '@quorate/shared/trust-bundle'

/** Undefined for a valid value, otherwise the expected form. Values are never quoted: some are secrets. */
export type Check = (value: unknown) => string | undefined

/** One check for each field of a message; the compiler checks that it is complete, so that no new field is unchecked. */
export type FieldChecks<Message> = { readonly [Field in keyof Required<Message>]: Check }

const say = (holds: boolean, what: string): string | undefined => (holds ? undefined : what)

/** A text of at most `longest` characters that passes `test`. */
const text =
  (what: string, test: (value: string) => boolean, longest = 300): Check =>
  (value) =>
    say(typeof value === 'string' && value.length <= longest && test(value), what)

const like = (what: string, pattern: RegExp, longest?: number): Check =>
  text(what, (value) => pattern.test(value), longest)

const number =
  (what: string, least: number, most: number): Check =>
  (value) =>
    say(typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most, what)

/** An unambiguous absolute path: no `..`, nothing special for a terminal or a shell. */
const plainPath = (value: string): boolean =>
  /^(\/[A-Za-z0-9._@:+-]+)+$/.test(value) && !value.split('/').some((part) => part === '..' || part === '.')

const isHostPort = (value: string): boolean => {
  const match = /^(.+):(\d{1,5})$/.exec(value)
  const host = match?.[1]?.replace(/^\[(.*)\]$/, '$1') ?? ''
  const port = Number(match?.[2])
  return (isDnsName(host) || isIpAddress(host)) && port >= 1 && port <= 65535
}

const largestPem = 256 * 1024
const largestSecret = 3 * 1024 * 1024
/** All lists of a request: nodes, ports, SANs. */
const longestList = 1000

export const check = {
  /** In a manifest: any unambiguous absolute path. */
  hostPath: text(
    'an absolute path',
    (value) => value.startsWith('/') && posix.normalize(value) === value && !/\p{Cc}/u.test(value),
    4096,
  ),
  flag: ((value) => say(typeof value === 'boolean', 'true or false')) satisfies Check,
  operationId: like('an operation id: [a-z0-9-], at most 64', /^[a-z0-9][a-z0-9-]{0,63}$/),
  runId: like('a run id', /^[0-9]{8}t[0-9]{6}-[a-z0-9]{6}$/),
  dnsName: text('a DNS name', isDnsName),
  address: text('an IP address', isIpAddress),
  addresses: text('IP addresses, separated by commas', (value) => value.split(',').every(isIpAddress)),
  host: text('a DNS name or an IP address', (value) => isDnsName(value) || isIpAddress(value)),
  hostPort: text('host:port', isHostPort),
  serverUrl: text(
    'https://host:port',
    (value) => value.startsWith('https://') && isHostPort(value.slice('https://'.length)),
  ),
  sha256: like('a sha256 in hexadecimal', /^[0-9a-f]{64}$/),
  serial: like('a serial number in hexadecimal', /^[0-9A-Fa-f]{1,64}$/),
  memberId: like('an etcd member id in hexadecimal', /^[0-9a-f]{1,16}$/),
  peerUrl: like('the URL of an etcd member', /^https?:\/\/[A-Za-z0-9.:[\]-]{1,255}:\d{1,5}$/),
  caPin: like('sha256:<hexadecimal>', /^sha256:[0-9a-f]{64}$/),
  logOrigin: like('the name of a log: quorate/ and the id of a fleet', /^quorate\/[0-9a-f]{12}$/),
  noteVerifier: like('NAME+HASH+KEY of a note', /^quorate\/[0-9a-f]{12}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44}$/),
  signedNote: text('a signed note', (value) => value !== '', 4096),
  denyList: text('a signed list of revoked keys', (value) => value !== '', largestDenyList),
  trustBundle: text('a signed bundle of roots', (value) => value !== '', largestTrustBundle),
  tokenId: like('the id part of a bootstrap token', /^[a-z0-9]{6}$/),
  recipient: like('an age recipient', /^age1[a-z0-9]{20,4000}$/, 4100),
  time: like('a time as RFC 3339 has it', /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/),
  version: like('a Kubernetes version', /^v\d{1,3}\.\d{1,4}\.\d{1,4}([-+][A-Za-z0-9.+-]{1,60})?$/),
  imageRepository: like('an image repository', /^[a-z0-9][A-Za-z0-9._/:-]{0,254}$/),
  imageTag: like('the tag of an image', /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/),
  image: like('an image', /^[a-z0-9][A-Za-z0-9._/:@-]{0,254}$/),
  kubeletFlag: like('a flag of the kubelet without dashes', /^[a-z][a-z0-9-]{0,100}$/),
  /** It becomes a word of an environment file in double quotes (kubeadm-flags.env), which systemd splits. */
  flagValue: like(
    'a value without quotes, spaces and control characters',
    /^[A-Za-z0-9._~:/@%+,=<>[\]{}*-]{0,2000}$/,
    2000,
  ),
  labelKey: like('a key of a label', /^([a-z0-9.-]{1,253}\/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/, 317),
  labelValue: like('a value of a label', /^[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/),
  taintEffect: like('an effect of a taint', /^(NoSchedule|PreferNoSchedule|NoExecute)$/),
  kubeadmApiVersion: like('a version of the kubeadm API', /^v1(beta\d+|alpha\d+)?$/),
  preflightName: like("a kubeadm preflight check's name, never `all`", /^(?!all$)[A-Za-z0-9][A-Za-z0-9_./-]{0,100}$/i),
  backupKind: like('etcd or files', /^(etcd|files)$/),
  probePath: like('/readyz, /livez, /version or nothing', /^(\/readyz|\/livez|\/version)?$/),
  verifyMode: like('a way to verify', /^VERIFY_MODE_(CLUSTER_CA|CHAIN_ONLY|NONE|TCP)$/),
  kubeconfigPurpose: like(
    "a kubeconfig's purpose",
    /^(kubelet|bootstrap-kubelet|admin|super-admin|controller-manager|scheduler|user)$/,
  ),
  component: like('a static pod of kubeadm', /^(kube-apiserver|kube-controller-manager|kube-scheduler|etcd)$/),
  part: like('a part of a control plane', /^PART_(API_SERVER|ETCD|LOAD_BALANCER|CONTROL_PLANE)$/),
  containerName: like("a container's name", /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/),
  flagName: like('the name of a flag', /^[A-Za-z][A-Za-z0-9.-]{0,100}$/),
  variable: like('the name of an environment variable', /^[A-Za-z_][A-Za-z0-9_.-]{0,200}$/),
  hostPathType: like('the type of a hostPath', /^(Directory|File|Socket|CharDevice|BlockDevice)(OrCreate)?$/),
  line: text('one line', (value) => !/[\r\n\0]/.test(value), 8192),
  path: text('an absolute path', plainPath),
  clusterFolder: text('a folder for a cluster alone', (value) => folderProblem(value) === undefined),
  touchedName: text(
    "a file's path or an API object's name",
    (value) => plainPath(value) || /^[a-z]+\/[a-z0-9-]+\/[a-z0-9.-]+$/.test(value),
  ),
  soughtText: text('1 to 253 characters', (value) => value !== '', 253),
  leafCertificate: text('a certificate of a control plane', (value) => leafNamed(value) !== undefined),
  document: text('a text', (value) => value !== '', largestPem),
  pem: like('a PEM certificate', /^\s*-----BEGIN CERTIFICATE-----[\s\S]*-----END CERTIFICATE-----\s*$/, largestPem),
  signature: ((value) => say(value instanceof Uint8Array && value.length <= 1024, 'a signature')) satisfies Check,
  ciphertext: ((value) =>
    say(
      value instanceof Uint8Array && value.length > 0 && value.length <= largestSecret,
      'an age file',
    )) satisfies Check,
  port: number('a port', 1, 65535),
  fencingToken: number('a fencing token', 0, Number.MAX_SAFE_INTEGER),
  unixMs: number('a time in Unix milliseconds', 0, Number.MAX_SAFE_INTEGER),
  treeSize: number('the size of a log', 0, Number.MAX_SAFE_INTEGER),
  calls: number('1 to 10000 calls', 1, 10_000),
  asNumber: number('the number of an autonomous system', 1, 4_294_967_295),
  priority: number('1 to 255', 1, 255),
  /** Zero means one. */
  connections: number('at most 64 connections', 0, 64),
  /** Zero means the operation's default. */
  milliseconds: number('milliseconds, at most 10 minutes', 0, 600_000),
  seconds: number('seconds, at most a day', 0, 86_400),
  restoreAfter: number('5 to 600 seconds', 5, 600),
}

/** Also valid when empty. */
export const optional =
  (inner: Check): Check =>
  (value) =>
    value === '' || value === undefined || value === 0 ? undefined : inner(value)

export const listOf =
  (inner: Check): Check =>
  (value) => {
    if (!Array.isArray(value) || value.length > longestList) return `a list of at most ${longestList}`
    for (const [index, item] of value.entries()) {
      const wanted = inner(item)
      if (wanted !== undefined) return `in item ${index + 1}: ${wanted}`
    }
    return undefined
  }

/** A required nested message. */
export const message =
  <Message>(fields: FieldChecks<Message>): Check =>
  (value) => {
    if (typeof value !== 'object' || value === null) return 'set'
    const problem = problemIn(fields as Record<string, Check>, value as Record<string, unknown>)
    return problem === undefined ? undefined : `with ${problem}`
  }

/** Throws INVALID_REQUEST, naming operation and field, if a field fails its check. */
export function checkFields<Message>(operation: string, fields: FieldChecks<Message>, request: Message): void {
  const problem = problemIn(fields as Record<string, Check>, request as Record<string, unknown>)
  if (problem !== undefined) throw new QuorateError('INVALID_REQUEST', `${operation}: ${problem}`)
}

function problemIn(
  fields: Readonly<Record<string, Check>>,
  value: Readonly<Record<string, unknown>>,
): string | undefined {
  for (const [name, inner] of Object.entries(fields)) {
    const wanted = inner(value[name])
    if (wanted !== undefined) return `${name} must be ${wanted}`
  }
  return undefined
}
