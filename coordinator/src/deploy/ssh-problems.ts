import { type ErrorCode, QuorateError } from '@quorate/shared/errors'
import type { SshAnswer } from './ssh.js'

interface Known {
  /** In what ssh, sudo, tar or the shell of the node said. */
  readonly pattern: RegExp
  readonly code: ErrorCode
  readonly message: string
  /** `$SSH`: what was typed after ssh. */
  readonly remedy: string
}

/** What goes wrong between this machine and root on a node, the most telling first. */
const known: readonly Known[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: 'SSH_FAILED',
    message:
      'its host key is not the one that this machine knows: the node was installed again, or another machine answers',
    remedy:
      'Compare the key on its console (`ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`) with the one that `ssh $SSH` shows. Only if they are the same, remove the old one with `ssh-keygen -R HOST` and connect once by hand.',
  },
  {
    pattern: /Host key verification failed|No \S+ host key is known/,
    code: 'SSH_FAILED',
    message: 'this machine does not know its host key, and there is no terminal to ask at',
    remedy: 'Connect once by hand, `ssh $SSH`, and compare the key that it shows; or add the key to known_hosts.',
  },
  {
    pattern: /Permission denied \(|Too many authentication failures/,
    code: 'SSH_FAILED',
    message: 'ssh may not log in',
    remedy:
      'Make `ssh $SSH` work first: user, key and agent come from your ssh configuration. `ssh: ALIAS` at the node in the cluster file names a Host of it.',
  },
  {
    pattern: /Could not resolve hostname/,
    code: 'SSH_FAILED',
    message: 'its name does not resolve on this machine',
    remedy: 'Make `ssh $SSH` work first, or name another destination with `ssh:` at the node in the cluster file.',
  },
  {
    pattern: /Connection refused|Connection timed out|No route to host|Operation timed out|Network is unreachable/,
    code: 'SSH_FAILED',
    message: 'ssh does not reach it',
    remedy: 'Make `ssh $SSH` work first: is the node up, does sshd listen, is a jump host (ProxyJump) needed?',
  },
  {
    pattern: /you must have a (?:tty|terminal) to run sudo/,
    code: 'NODE_UNSUITABLE',
    message: 'sudo runs only on a terminal there (requiretty)',
    remedy:
      'On the node, with visudo: `Defaults:USER !requiretty`. Or log in as root: `ssh: root@HOST` at the node in the cluster file.',
  },
  {
    pattern: /a password is required|password is required/,
    code: 'NODE_UNSUITABLE',
    message: 'sudo asks for a password',
    remedy: 'Run the command again with --ask-sudo-password: it is asked once and goes to sudo by standard input.',
  },
  {
    pattern: /incorrect password|Sorry, try again|no password was provided/,
    code: 'NODE_UNSUITABLE',
    message: 'sudo refused the password',
    remedy:
      'Run the command again and type the password of your user on the nodes. Use --limit for nodes that have another one.',
  },
  {
    pattern: /not in the sudoers file|may not run sudo|is not allowed to (?:execute|run)/,
    code: 'NODE_UNSUITABLE',
    message: 'its user may not become root by sudo',
    remedy: 'Let the user run commands by sudo, or log in as root: `ssh: root@HOST` at the node in the cluster file.',
  },
  {
    pattern: /sudo: (?:command )?not found|exec: sudo:/,
    code: 'NODE_UNSUITABLE',
    message: 'its user is not root, and there is no sudo',
    remedy: 'Install sudo, or log in as root: `ssh: root@HOST` at the node in the cluster file.',
  },
  {
    pattern: /No space left on device|ENOSPC/,
    code: 'NODE_UNSUITABLE',
    message: 'the disk of /usr is full',
    remedy: 'On the node: `df -h /usr/bin`. Make room for twice the size of the agent, then run the command again.',
  },
  {
    pattern: /Read-only file system|EROFS/,
    code: 'NODE_UNSUITABLE',
    message: 'its /usr is mounted read-only',
    remedy:
      'The agent is installed as /usr/bin/quorate-agent: put it into the image of the node, or mount /usr so that it can be written.',
  },
  {
    pattern: /Exec format error|cannot execute binary file/,
    code: 'NODE_UNSUITABLE',
    message: 'the agent is of another architecture than the node',
    remedy: 'Name the quorate-agent for this architecture with --agent.',
  },
  {
    pattern: /^noexec |install: Permission denied/m,
    code: 'NODE_UNSUITABLE',
    message: 'the file system of /usr does not run programs (noexec), or a policy forbids it',
    remedy: 'On the node: `findmnt -T /usr/bin -o TARGET,OPTIONS`, and the log of SELinux or fapolicyd.',
  },
]

/** Why a command on a node failed, in one sentence. */
export function sshProblem(
  answer: SshAnswer,
  { node, ssh }: { readonly node: string; readonly ssh: string },
): QuorateError {
  const said = `${answer.stderr}\n${answer.stdout}`
  const found = known.find(({ pattern }) => pattern.test(said))
  if (found !== undefined)
    return new QuorateError(found.code, found.message, { where: node, remedy: found.remedy.replaceAll('$SSH', ssh) })
  const last = answer.stderr.trim().split('\n').at(-1) ?? ''
  return new QuorateError(
    'SSH_FAILED',
    answer.exitCode === 255
      ? `the connection ended${last === '' ? '' : `: ${last}`}`
      : `the command on the node ended with exit code ${answer.exitCode}${last === '' ? '' : `: ${last}`}`,
    { where: node },
  )
}

/** sudo needs a password there, which a second attempt can give. */
export const needsPassword = ({ exitCode, stderr }: SshAnswer): boolean =>
  exitCode !== 0 && /a password is required/.test(stderr)
