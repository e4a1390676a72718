import { QuorateError } from '@quorate/shared/errors'
import { type InstallAnswer, type InstallJob, jobFile, parseInstallAnswer } from '@quorate/shared/install-job'
import type { NodeEntry } from '../config/cluster-file.js'
import { type NodeLook, parseLook, partsOf } from './node-look.js'
import { type Rights, remoteCommand } from './remote-commands.js'
import type { Ssh, SshAnswer, SshChannel } from './ssh.js'
import { needsPassword, sshProblem } from './ssh-problems.js'
import { type TarFile, tarEnd, tarPiece } from './tar.js'

/** What a stream brings beside its job. */
export interface Cargo {
  /** Pieces of a tar that are packed already. */
  readonly packed?: readonly Buffer[]
  readonly files?: readonly TarFile[]
}

/** One node, as root, by ssh. */
export interface NodeChannel {
  /** Opens the connection, which may ask; throws why there is none. */
  open(): Promise<void>
  look(): Promise<NodeLook>
  /** Sends a job and what belongs to it. An answer that is none throws; one that says no does not. */
  send(job: InstallJob, cargo?: Cargo): Promise<InstallAnswer>
  /** Removes the agent and all of its files. */
  remove(): Promise<void>
  /** Bytes that have gone to the node, before ssh encrypts them. */
  sent(): number
}

/** `password`: of sudo on the nodes; only nodes that ask for it get it. */
export function nodeChannel(ssh: Ssh, node: NodeEntry, password: string | undefined): NodeChannel {
  const destination = node.ssh ?? node.address
  const channel = ssh.channel(destination)
  const place = { node: node.name, ssh: destination }
  const failed = (answer: SshAnswer) => sshProblem(answer, place)
  let sent = 0
  const root = rootOn(channel, { password, count: (bytes) => (sent += bytes) })
  return {
    sent: () => sent,
    async open() {
      const answer = await channel.open()
      if (answer.exitCode !== 0) throw failed(answer)
    },
    async look() {
      const answer = await root('look', [])
      const look = parseLook(answer.stdout)
      if (look === undefined) throw failed(answer)
      return look
    },
    async send(job, { packed = [], files = [] } = {}) {
      const bytes = Buffer.from(JSON.stringify(job))
      // The job last: a stream that broke off has none.
      const last = await tarPiece([...files, { name: jobFile, mode: 0o600, bytes }])
      const answer = await root('receive', [...packed, last, await tarEnd()])
      const said = parseInstallAnswer(answer.stdout)
      if (said === undefined) throw failed(answer)
      return said
    },
    async remove() {
      const answer = await root('remove', [])
      const parts = partsOf(answer.stdout)
      if (parts === undefined) throw failed(answer)
      const left = parts.get('traces')?.trim() ?? ''
      if (left !== '')
        throw new QuorateError('INSTALL_FAILED', `it was not removed completely: ${left.split('\n').join(', ')}`, {
          where: node.name,
        })
    },
  }
}

/** Runs commands as root; the first one shows how its user becomes that. */
function rootOn(
  channel: SshChannel,
  { password, count }: { readonly password: string | undefined; readonly count: (bytes: number) => void },
) {
  let rights: Rights = 'by itself'
  return async (what: Parameters<typeof remoteCommand>[0], input: readonly Uint8Array[]): Promise<SshAnswer> => {
    const run = () => {
      count(input.reduce((bytes, piece) => bytes + piece.length, 0))
      return channel.run(
        remoteCommand(what, rights),
        rights === 'by password' ? [Buffer.from(`${password}\n`), ...input] : input,
      )
    }
    const answer = await run()
    if (rights === 'by password' || password === undefined || !needsPassword(answer)) return answer
    rights = 'by password'
    return run()
  }
}
