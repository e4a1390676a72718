import { installPaths } from '@quorate/shared/install-job'

/**
 * Every command that is run on a node by ssh: constants, for a security review and for sshd's log. What differs between nodes comes through
 * standard input. POSIX sh in one line, without single quotes and exclamation marks: the login shell of the user, whichever that is, hands it on
 * as it is. `id`, `sudo`, `tar`, `gzip` and systemd are all that it takes.
 */
const { binary, unit, packagedUnit, config, state, home } = installPaths

const rootByItself = 'LC_ALL=C; export LC_ALL; if [ "$(id -u)" = 0 ]; then exec sh -c "$1"; fi; exec sudo -n sh -c "$1"'
/** The first line of standard input is the password, and -k makes sudo read it whether it remembers one or not. sudo reads byte by byte: the rest is there for the command. */
const rootByPassword = 'LC_ALL=C; export LC_ALL; exec sudo -k -S -p "" sh -c "$1"'

/** How a user becomes root on a node. */
export type Rights = 'by itself' | 'by password'

const asRoot = (rights: Rights, script: readonly string[]): string =>
  `sh -c '${rights === 'by itself' ? rootByItself : rootByPassword}' sh '${script.join('; ')}'`

const begin = ['PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'LC_ALL=C', 'export PATH LC_ALL', 'umask 077']

/** Before each part of what a look prints. */
export const partMark = '=quorate='
const part = (name: string): string => `echo "${partMark} ${name}"`

/** Everything that an agent leaves on a node. */
const traces = [binary, unit, config, state, '/run/quorate-agent', home].join(' ')

/** Says what is on the node; writes nothing there. */
const look = [
  ...begin,
  ...[part('machine'), 'uname -m'],
  ...[part('clock'), 'date +%s'],
  ...[part('boot'), 'cat /proc/sys/kernel/random/boot_id'],
  ...[part('systemd'), 'ls -d /run/systemd/system 2>/dev/null'],
  ...[part('missing'), 'for t in tar gzip systemctl; do command -v $t >/dev/null || echo $t; done'],
  ...[part('selinux'), 'cat /sys/fs/selinux/enforce 2>/dev/null', 'echo'],
  ...[part('labels'), 'command -v restorecon'],
  ...[part('binary'), `sha256sum <${binary} 2>/dev/null`],
  ...[part('previous'), `sha256sum <${home}/previous/quorate-agent 2>/dev/null`],
  ...[part('traces'), `ls -d ${traces} ${home}/previous ${home}/previous/open 2>/dev/null`],
  ...[part('package'), `ls -d ${packagedUnit} 2>/dev/null`],
  ...[
    part('service'),
    'systemctl show quorate-agent.service --property=ActiveState,UnitFileState,MainPID 2>/dev/null',
    'p=$(systemctl show quorate-agent.service --property=MainPID 2>/dev/null | cut -d= -f2)',
    'readlink /proc/$p/exe 2>/dev/null',
  ],
  ...[part('config'), `cat ${config}/agent.yaml 2>/dev/null`, 'echo'],
  ...[part('certificate'), `cat ${config}/node.crt 2>/dev/null`, 'echo'],
  ...[part('roots'), `cat ${config}/fleet-ca.crt 2>/dev/null`, 'echo'],
  ...[part('sockets'), 'cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep " 0A "'],
  ...[part('listeners'), 'ss -Hltnp 2>/dev/null'],
  ...[part('disk'), 'df -Pk /usr/bin | tail -n 1'],
  ...[part('mounts'), 'grep -v /var/lib/kubelet /proc/self/mounts'],
  part('end'),
]

/** Unpacks a tar from standard input into a folder of its own, and lets the newest agent there do its job. */
const receive = [
  ...begin,
  part('receive'),
  `h=${home}`,
  'd=$h/incoming.$$',
  'mkdir -p $d || exit 90',
  'tar xzf - -C $d || { rm -rf $d; rmdir $h 2>/dev/null; exit 90; }',
  `for a in $d/quorate-agent $h/staged/quorate-agent ${binary}; do if [ -e $a ]; then if [ -x $a ]; then exec $a install --from $d; fi; echo "noexec $a" >&2; rm -rf $d; rmdir $h 2>/dev/null; exit 91; fi; done`,
  'rm -rf $d',
  'rmdir $h 2>/dev/null',
  'exit 92',
]

/** Removes everything that an agent left, in an order in which it may be cut off and done again; then says what is still there. */
const remove = [
  ...begin,
  part('remove'),
  'systemctl stop quorate-agent.service 2>/dev/null',
  'systemctl disable quorate-agent.service 2>/dev/null',
  `rm -rf ${traces}`,
  'systemctl daemon-reload',
  'systemctl reset-failed quorate-agent.service 2>/dev/null',
  part('traces'),
  `ls -d ${traces} 2>/dev/null`,
  part('end'),
]

/** What is done on a node, in the way in which its user becomes root. */
export const remoteCommand = (what: 'look' | 'receive' | 'remove', rights: Rights): string =>
  asRoot(rights, { look, receive, remove }[what])

/** Opens the connection: a host may ask the operator then. */
export const openCommand = ':'
