import { QuorateError } from '@quorate/shared/errors'
import type { LoadBalancerUnit } from '@quorate/shared/load-balancer-place'
import type { Command } from './host.js'

const seconds = (count: number): number => count * 1000
const quick = seconds(15)

const command = (file: string, args: readonly string[], timeoutMs = quick): Command => ({ file, args, timeoutMs })

/** Services that a drill stops and starts. */
export type ServiceUnit = LoadBalancerUnit | 'kubelet'

const agentUnit = 'quorate-agent.service'

/** Properties that `showUnits` asks for; all exist since systemd 219. */
const unitProperties = [
  'LoadState',
  'ActiveState',
  'SubState',
  'UnitFileState',
  'Result',
  'ExecMainStatus',
  'ActiveEnterTimestamp',
  'ExecMainStartTimestamp',
  'MainPID',
]

/**
 * A value that a program could take for an option is refused: parsed names cannot begin with a dash, so this holds even if a
 * check upstream was forgotten.
 */
function word(text: string): string {
  if (text === '' || text.startsWith('-'))
    throw new QuorateError('INVALID_REQUEST', `not an argument: ${JSON.stringify(text)}`)
  return text
}

/**
 * PID 1 runs a short program that has these capabilities and is otherwise nobody: it owns no file and can write none. It answers as a child does,
 * with its output and exit status; at its end nothing of it is left, even if it failed. The journal keeps only warnings about
 * it (from systemd 249 on, with older ones its start and end too). The user is a number because systemd warns of the name.
 */
const withCapabilities = (capabilities: string, families: string, { file, args, timeoutMs }: Command): Command => {
  const properties = [
    ...['LogLevelMax=warning', 'User=65534', `AmbientCapabilities=${capabilities}`],
    ...[`CapabilityBoundingSet=${capabilities}`, 'NoNewPrivileges=yes', 'MemoryDenyWriteExecute=yes'],
    ...[`RestrictAddressFamilies=${families}`, 'SystemCallArchitectures=native'],
  ].map((property) => `--property=${property}`)
  return command(
    'systemd-run',
    ['--quiet', '--pipe', '--wait', '--collect', ...properties, '--', file, ...args],
    timeoutMs,
  )
}

/** The sockets of a process are among its open files, a folder of its own user (DAC_READ_SEARCH) that shows links to those who may trace it (SYS_PTRACE). */
const socketsWithProcesses = (flags: string): Command =>
  withCapabilities('CAP_DAC_READ_SEARCH CAP_SYS_PTRACE', 'AF_NETLINK', command('ss', [flags]))

/**
 * Every command line that this program can run, for a security review. All are values, never shell text; none
 * carries a secret (configuration files in tmpfs do). Paths are as the node's own programs see them.
 */
export const commands = {
  // ---- looking -----------------------------------------------------------------------------------------------------
  resolveName: (name: string) => command('getent', ['ahosts', word(name)]),
  interfaces: () => command('ip', ['-j', 'addr']),
  // A child needs no capability for sockets; which program has one takes a unit, three times as long (55 ms instead of 20 ms in the lab).
  listeningSockets: () => command('ss', ['-Htlne']),
  listeningPrograms: () => socketsWithProcesses('-Htlnp'),
  establishedSockets: () => socketsWithProcesses('-Htnp'),
  clockSynchronised: () => command('timedatectl', ['show', '--property=NTPSynchronized', '--value']),
  kubeadmVersion: () => command('kubeadm', ['version', '-o', 'short']),
  kubeletVersion: () => command('kubelet', ['--version']),
  kubectlVersion: () => command('kubectl', ['version', '--client', '-o', 'json']),
  haproxyVersion: () => command('haproxy', ['-v']),
  keepalivedVersion: () => command('keepalived', ['--version']),
  systemdVersion: () => command('systemctl', ['--version']),
  crictlVersion: () => command('crictl', ['--version']),
  firewalldZones: () => command('firewall-cmd', ['--list-all-zones']),
  checkHaproxyConfig: (file: string) => command('haproxy', ['-c', '-f', word(file)]),
  checkKeepalivedConfig: (file: string) => command('keepalived', ['--config-test', `--use-file=${file}`]),
  checkUnitFile: (file: string) => command('systemd-analyze', ['verify', '--man=no', word(file)], seconds(60)),
  showUnits: (units: readonly string[]) =>
    command('systemctl', ['show', ...units.map(word), `--property=${unitProperties.join(',')}`]),
  /** A unit's files, followed by its drop-ins. */
  unitFiles: (unit: 'kubelet') => command('systemctl', ['cat', unit, '--no-pager']),
  unitJournal: (unit: string) => command('journalctl', [`--unit=${unit}`, '--output=cat', '--no-pager']),
  validateConfig: (config: string) => command('kubeadm', ['config', 'validate', '--config', word(config)]),
  /** An empty repository means kubeadm's default. */
  listImages: (kubernetesVersion: string, repository: string) => {
    const from = repository === '' ? [] : [`--image-repository=${repository}`]
    const list = ['config', 'images', 'list', `--kubernetes-version=${word(kubernetesVersion)}`, ...from]
    return command('kubeadm', list, seconds(60))
  },

  /**
   * kubeadm's dry run writes manifests into the folder that this variable names, or below it, and nowhere else
   * (app/constants, GetDryRunDir; before 1.32 CreateTempDirForKubeadm). Seen with 1.28.15 and 1.37.2.
   */
  renderManifests: (phase: 'control-plane all' | 'etcd local', config: string, folder: string) =>
    command(
      'env',
      [
        `KUBEADM_INIT_DRYRUN_DIR=${folder}`,
        ...['kubeadm', 'init', 'phase', ...phase.split(' '), '--config', word(config), '--dry-run'],
      ],
      seconds(60),
    ),

  /** Its output holds a key: only the agent reads it, never a unit, whose output the journal would keep. */
  makeKubeconfig: (config: string, clientName: string, hours: number) =>
    command(
      'kubeadm',
      [
        'kubeconfig',
        'user',
        '--config',
        word(config),
        '--client-name',
        word(clientName),
        '--validity-period',
        `${hours}h`,
      ],
      seconds(60),
    ),

  /** Gives a file the security context of another (coreutils); Node has no system call for it. */
  copySecurityContext: (from: string, to: string) => command('chcon', [`--reference=${from}`, '--', to]),

  /**
   * Gives an open file of a process to another owner: the file itself, whatever its name leads to by now. The plus signs keep chown (coreutils)
   * from taking a number for a name.
   */
  changeOwner: (pid: number, fd: number, { uid, gid }: { readonly uid: number; readonly gid: number }) =>
    withCapabilities(
      'CAP_CHOWN CAP_DAC_READ_SEARCH CAP_SYS_PTRACE',
      'AF_UNIX',
      command('chown', [`+${uid}:+${gid}`, `/proc/${pid}/fd/${fd}`]),
    ),

  // ---- transient units ---------------------------------------------------------------------------------------------
  /**
   * Asks PID 1 to run `inner`: it outlives this agent and runs outside of its sandbox. Returns as soon as it is queued. `systemctl enable` must
   * not call the scripts of System V (systemd's docs/ENVIRONMENT.md): each takes half a second and changes links that systemd never reads.
   */
  startTransientUnit: (unit: string, inner: Command, output: 'journal' | 'errors-only' = 'journal') =>
    command('systemd-run', [
      `--unit=${unit}`,
      '--property=Type=oneshot',
      '--property=RemainAfterExit=yes',
      '--setenv=SYSTEMCTL_SKIP_SYSV=1',
      ...(output === 'errors-only' ? ['--property=StandardOutput=null', '--property=StandardError=journal'] : []),
      '--no-block',
      '--',
      inner.file,
      ...inner.args,
    ]),
  /** PID 1 runs `inner` once, that many seconds from now, even if this agent is gone. The default accuracy of a timer is a minute. */
  startTransientTimer: (unit: string, afterSeconds: number, inner: Command) =>
    command('systemd-run', [
      `--unit=${unit}`,
      `--on-active=${afterSeconds}`,
      '--timer-property=AccuracySec=100ms',
      '--property=Type=oneshot',
      '--setenv=SYSTEMCTL_SKIP_SYSV=1',
      '--',
      inner.file,
      ...inner.args,
    ]),
  stopUnit: (unit: string) => command('systemctl', ['stop', word(unit)], seconds(60)),
  /** Makes systemd read changed unit files. */
  daemonReload: () => command('systemctl', ['daemon-reload'], seconds(60)),
  /** Of the agent itself, by `quorate-agent install`: outside of the agent, and of its sandbox. */
  agentUnitState: () => command('systemctl', ['show', agentUnit, '--property=ActiveState,UnitFileState,LoadState']),
  enableAgent: () => command('systemctl', ['enable', agentUnit], seconds(60)),
  disableAgent: () => command('systemctl', ['disable', agentUnit], seconds(60)),
  restartAgent: () => command('systemctl', ['restart', agentUnit], seconds(90)),
  stopAgent: () => command('systemctl', ['stop', agentUnit], seconds(90)),
  agentSaid: () => command('journalctl', [`--unit=${agentUnit}`, '--output=cat', '--no-pager', '--lines=5']),
  /** The contexts that the policy has for these paths. */
  restoreContexts: (paths: readonly string[]) => command('restorecon', ['-F', '--', ...paths], seconds(60)),
  resetFailedUnit: (unit: string) => command('systemctl', ['reset-failed', word(unit)]),

  // ---- changing: only ever inside a transient unit (host/transient-unit.ts); the time is how long the unit is followed --
  issueCertificate: (certificate: 'apiserver' | 'etcd-server' | 'etcd-peer', config: string) =>
    command('kubeadm', ['init', 'phase', 'certs', certificate, '--config', word(config)], seconds(120)),
  /** Keys and requests of every certificate, in these folders; its output names only files. */
  generateRequests: (config: string, certDir: string, kubeconfigDir: string) =>
    command(
      'kubeadm',
      [
        ...['certs', 'generate-csr', '--config', word(config)],
        ...['--cert-dir', word(certDir), '--kubeconfig-dir', word(kubeconfigDir)],
      ],
      seconds(120),
    ),
  uploadCertificates: (config: string) =>
    command('kubeadm', ['init', 'phase', 'upload-certs', '--upload-certs', '--config', word(config)], seconds(180)),
  joinPreflight: (config: string) =>
    command('kubeadm', ['join', 'phase', 'preflight', '--config', word(config)], seconds(600)),
  joinControlPlane: (config: string) => command('kubeadm', ['join', '--config', word(config)], seconds(1200)),
  markControlPlane: (config: string) =>
    command(
      'kubeadm',
      ['join', 'phase', 'control-plane-join', 'mark-control-plane', '--config', word(config)],
      seconds(180),
    ),
  /** With an external etcd, kubeadm would look for a member for a minute and empty /var/lib/etcd (app/cmd/phases/reset/removeetcdmember.go). */
  resetNode: (criSocket: string, etcd: 'own' | 'external') =>
    command(
      'kubeadm',
      [
        ...['reset', '--force', '--cri-socket', word(criSocket)],
        ...(etcd === 'external' ? ['--skip-phases=remove-etcd-member'] : []),
      ],
      seconds(600),
    ),
  restartKubelet: () => command('systemctl', ['restart', 'kubelet'], seconds(180)),
  enableAndStart: (unit: LoadBalancerUnit) => command('systemctl', ['enable', '--now', unit], seconds(90)),
  reloadOrRestart: (unit: LoadBalancerUnit) => command('systemctl', ['reload-or-restart', unit], seconds(90)),
  startServices: (units: readonly ServiceUnit[]) => command('systemctl', ['start', ...units], seconds(90)),
  stopServices: (units: readonly ServiceUnit[]) => command('systemctl', ['stop', ...units], seconds(90)),
  disableAndStop: (unit: LoadBalancerUnit) => command('systemctl', ['disable', '--now', unit], seconds(90)),
} as const
