/** Programs of a machine whose release matters. */
export type MachineProgram = 'haproxy' | 'keepalived' | 'systemd' | 'containerd' | 'cri-o' | 'crictl'

/** One thing that a program can do from some release on. */
export interface MachineRule {
  readonly program: MachineProgram
  /** What it can do, as docs/machines.md says it. */
  readonly says: string
  /** First release that can. */
  readonly from: string
  /** What is done with an older one; unset: it is refused, by the finding `program-versions`. */
  readonly otherwise?: string
  readonly source: string
}

/** What Quorate relies on, of each program: one line each. Whoever depends on a release asks for one of these by its name. */
export const machineRules = {
  'haproxy-hands-over': {
    program: 'haproxy',
    says: 'a reload hands listening sockets over (`expose-fd listeners`), `-Ws` tells systemd when it serves, and `default-server` takes `check` and `check-ssl`',
    from: '1.8',
    source: "haproxy's CHANGELOG, 1.8-dev0 to 1.8-dev2",
  },
  'haproxy-http-check-connect': {
    program: 'haproxy',
    says: '`http-check connect ssl` and `http-check send` say how a server is asked',
    from: '2.2',
    otherwise:
      'the configuration says `option httpchk GET /readyz` and `check-ssl` instead (1.8 of RHEL 8, 2.0 of Ubuntu 20.04)',
    source: "haproxy's configuration manual of 2.2, http-check connect",
  },
  'keepalived-vrrp': {
    program: 'keepalived',
    says: 'unicast VRRP 3 with adverts below a second, `script_user` and a track script with quoted arguments; `--vrrp_pid` lets a second one run beside it',
    from: '2.0',
    source: "keepalived's ChangeLog, 1.2.24 (enable_script_security) to 2.0.0",
  },
  'keepalived-config-test': {
    program: 'keepalived',
    says: '`--config-test` tells a good configuration from a bad one by its exit status',
    from: '2.0.5',
    otherwise: 'keepalived is not asked before it is started',
    source: "keepalived's ChangeLog, 2.0.4 and 2.0.5",
  },
  'systemd-runtime-folder': {
    program: 'systemd',
    says: '`RuntimeDirectoryPreserve` keeps what an operation has in tmpfs when the agent is restarted; `BindReadOnlyPaths` takes a path that may be absent',
    from: '235',
    source: "systemd's NEWS, 233 and 235",
  },
  'systemd-answering-unit': {
    program: 'systemd',
    says: '`systemd-run --pipe --wait --collect` answers with the output of a unit and leaves nothing of it; `LogLevelMax` keeps it out of the journal',
    from: '236',
    source: "systemd's NEWS, 235 and 236",
  },
  'containerd-cri-v1': {
    program: 'containerd',
    says: 'it speaks CRI v1, the only one that a kubelet from 1.26 on and Quorate speak',
    from: '1.6',
    source: 'kubernetes/kubernetes#110618, containerd 1.6.0',
  },
  'cri-o-cri-v1': {
    program: 'cri-o',
    says: 'it speaks CRI v1',
    from: '1.23',
    source: 'kubernetes/kubernetes#110618, cri-o/cri-o#5305',
  },
  'crictl-cri-v1': {
    program: 'crictl',
    says: 'it speaks CRI v1; kubeadm asks it up to 1.30',
    from: '1.23',
    source: 'kubernetes-sigs/cri-tools v1.23.0',
  },
} as const satisfies Record<string, MachineRule>

export type MachineRuleName = keyof typeof machineRules

const rules: Readonly<Record<MachineRuleName, MachineRule>> = machineRules

/** Releases as distributions ship them: what is available on such a machine. */
export const shipped = [
  { machine: 'Debian 11', haproxy: '2.2', keepalived: '2.1', systemd: '247' },
  { machine: 'Debian 12', haproxy: '2.6', keepalived: '2.2', systemd: '252' },
  { machine: 'Debian 13', haproxy: '3.0', keepalived: '2.3', systemd: '257' },
  { machine: 'Ubuntu 20.04', haproxy: '2.0', keepalived: '2.0', systemd: '245' },
  { machine: 'Ubuntu 22.04', haproxy: '2.4', keepalived: '2.2', systemd: '249' },
  { machine: 'Ubuntu 24.04', haproxy: '2.8', keepalived: '2.2', systemd: '255' },
  { machine: 'RHEL, Rocky, Alma 8', haproxy: '1.8', keepalived: '2.1', systemd: '239' },
  { machine: 'RHEL, Rocky, Alma 9', haproxy: '2.4', keepalived: '2.2', systemd: '252' },
  { machine: 'SLES 15 SP5', haproxy: '2.4', keepalived: '2.2', systemd: '249' },
  { machine: 'RHEL, CentOS 7', haproxy: '1.5', keepalived: '1.3', systemd: '219' },
] as const

/** Numbers of a release: `2.6.12-1+deb12u1` is 2, 6, 12. */
const numbersOf = (version: string): number[] => (/\d+(?:\.\d+)*/.exec(version)?.[0] ?? '').split('.').map(Number)

function isAtLeast(version: string, first: string): boolean {
  const [own, least] = [numbersOf(version), numbersOf(first)]
  const at = least.findIndex((number, index) => (own[index] ?? 0) !== number)
  return at < 0 || (own[at] ?? 0) > (least[at] ?? 0)
}

/** Whether a program of that release can do it; an unknown release (`''`) counts as a new one. */
export const can = (name: MachineRuleName, version: string): boolean =>
  version === '' || isAtLeast(version, rules[name].from)

/** What a program of that release lacks and nothing replaces. */
export const missingIn = (program: MachineProgram, version: string): readonly MachineRule[] =>
  Object.entries(rules).flatMap(([name, rule]) =>
    rule.program === program && rule.otherwise === undefined && !can(name as MachineRuleName, version) ? [rule] : [],
  )
