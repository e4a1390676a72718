import { userInfo } from 'node:os'
import type { Starter } from '../runs/approvals/require.js'
import type { Person } from '../state/own-identity.js'

/** The user of this machine, who may have come by sudo and by SSH; before that the person whose identity is used. */
export function caller(person?: Person): {
  readonly who: string
  readonly from?: string
  readonly fingerprint?: string
} {
  const { username, uid } = userInfo()
  const { SUDO_USER: by, SSH_CONNECTION: connection } = process.env
  const [from] = (connection ?? '').split(' ')
  const user = `${username} (uid ${uid}${by === undefined ? '' : `, by sudo from ${by}`})`
  const who = person === undefined ? user : `${person.name} (${person.role}), as ${user}`
  return { who, ...(from ? { from } : {}), ...(person === undefined ? {} : { fingerprint: person.fingerprint }) }
}

/** Who starts a run by the command line: an approver with the name of the identity, of this user, or of the one who used sudo, is the same person. */
export function starter(person?: Person): Starter {
  const names = [person?.name ?? '', userInfo().username, process.env['SUDO_USER'] ?? ''].filter((name) => name !== '')
  return { who: caller(person).who, names: names.map((name) => name.toLowerCase()) }
}
