import { renameSync, rmSync, statSync } from 'node:fs'
import { sha256Hex } from '@quorate/shared/hash'
import t, { type Test } from 'tap'
import { backUpFiles } from '../../../../agent/src/ops/back-up-files.js'
import { backupFolder } from '../../../../agent/src/ops/context/paths.js'
import { findReferences } from '../../../../agent/src/ops/find-references.js'
import { getNodeFacts } from '../../../../agent/src/ops/get-node-facts.js'
import { probeKubeconfig } from '../../../../agent/src/ops/probe-kubeconfig.js'
import { restoreBackup } from '../../../../agent/src/ops/restore-backup.js'
import { rewriteKubeconfig } from '../../../../agent/src/ops/rewrite-kubeconfig.js'
import { eve, exchanging, Home, isRoot, makeFifo } from '../../../support/exchanges.js'
import { OpsNode, rejected, runId } from '../../../support/ops-node.js'

/**
 * A user of the node exchanges their folder or file for a link while the agent, as root, works on it. Neither may root's key get into
 * the user's file, nor the user's exec plugin into root's.
 */

const path = '/home/eve/.kube/config'
const roots = '/root/.kube/config'
const server = 'https://apiserver.example.com:8443'
const key = 'cm9vdHMta2V5'
const never = new AbortController().signal

const kubeconfig = (user: string) => `apiVersion: v1
kind: Config
current-context: c
clusters: [{name: k, cluster: {server: "https://192.168.13.30:6443"}}]
contexts: [{name: c, context: {cluster: k, user: u}}]
users: [{name: u, user: ${user}}]
`
const ofRoot = kubeconfig(`{client-certificate-data: eA==, client-key-data: ${key}}`)
const ofEve = kubeconfig('{exec: {apiVersion: client.authentication.k8s.io/v1, command: /home/eve/evil}}')
const user = { purpose: 'user', path, server, expectedSha256: '' }

async function victim(t: Test) {
  const node = await OpsNode.make(t)
  const home = new Home(node.root)
  home.put(path, ofEve, { uid: eve, mode: 0o644 })
  home.put(roots, ofRoot)
  const { host } = node.tools
  const during = (...acts: Parameters<typeof exchanging>[1]): void => {
    Object.assign(node.tools, { host: exchanging(host, acts) })
  }
  const factsOf = async () => (await getNodeFacts.run({}, node.tools, never)).facts?.kubeconfigs ?? []
  return { node, home, during, factsOf }
}

const where = { path } as const

t.test("a rewrite does not put a user's exec plugin into root's kubeconfig", async (t) => {
  const { node, home, during } = await victim(t)
  during({ when: 'before', call: 'replace', ...where, act: home.linkFolder })
  const error = await rejected(node.change(rewriteKubeconfig, user))
  t.match(error, { code: 'SYMLINK_REFUSED', message: '/home/eve/.kube is a symbolic link' })
  t.equal(node.read(roots), ofRoot)
})

t.test("a rewrite does not put root's key into a user's file, though its hash is the expected one", async (t) => {
  const { node, home, during } = await victim(t)
  during(
    { when: 'before', call: 'read', ...where, act: home.linkFolder },
    { when: 'before', call: 'replace', ...where, act: home.unlinkFolder },
  )
  await node.change(rewriteKubeconfig, { ...user, expectedSha256: sha256Hex(ofRoot) }).catch(() => {})
  home.unlinkFolder()
  t.equal(node.read(path), ofEve)
})

t.test("root's file in a user's folder, exchanged for the user's own between read and write", async (t) => {
  if (!isRoot) return void t.pass('owners are changed by root only')
  const { node, home, during } = await victim(t)
  rmSync(home.config)
  home.put(path, ofRoot, { uid: 0, mode: 0o600 })
  const exchange = () => {
    renameSync(home.config, `${home.config}.root`)
    home.put(path, ofEve, { uid: eve, mode: 0o644 })
  }
  during({ when: 'before', call: 'replace', ...where, act: exchange })
  await node.change(rewriteKubeconfig, user)
  t.match(node.read(path), key)
  const { uid, mode } = statSync(home.config)
  t.same([uid, mode & 0o777], [0, 0o600], 'its new file is as hard to read as the one that was read')
})

t.test('what was not kept, because it was a link at that moment, is not changed', async (t) => {
  const { node, home, during } = await victim(t)
  during(
    { when: 'after', call: 'read', ...where, act: home.linkFolder },
    { when: 'after', call: 'read', ...where, act: home.unlinkFolder },
  )
  t.equal((await rejected(node.change(rewriteKubeconfig, user))).code, 'BACKUP_MISSING')
  t.equal(node.read(path), ofEve)
})

t.test("facts do not speak of root's file under the name of a user, and say what to do", async (t) => {
  const { node, home, during, factsOf } = await victim(t)
  for (const act of [
    () => home.linkFolder(),
    () => {
      home.unlinkFolder()
      during({ when: 'after', call: 'list', path: '/home/eve/.kube', act: home.linkFolder })
    },
  ]) {
    act()
    const facts = (await factsOf()).find((one) => one.path === path)
    t.match(facts, {
      sha256: '',
      server: '',
      problem: '/home/eve/.kube is a symbolic link',
      remedy: /Replace the link with a folder of that user/,
    })
  }
  const { references, skipped } = await findReferences.run({ find: ['192.168.13.30'] }, node.tools, never)
  t.same([references.map((one) => one.where), skipped], [[`${roots} line 4`], [path]])
  const probed = await probeKubeconfig.run(user, node.tools, never)
  t.match(probed, { server: '', error: '/home/eve/.kube is a symbolic link' })
  home.unlinkFolder()
  if (!isRoot) return
  home.linkFile()
  t.match(
    (await factsOf()).find((one) => one.path === path),
    { sha256: '', linkTarget: '', problem: `${path} is a symbolic link` },
  )
  t.match(
    (await factsOf()).find((one) => one.path === roots),
    { sha256: sha256Hex(ofRoot), problem: '' },
  )
})

t.test("a backup does not keep root's file under the name of a user, nor does a FIFO stop it", async (t) => {
  const { node, home, during } = await victim(t)
  during({ when: 'before', call: 'read', ...where, act: home.linkFolder })
  const { facts } = await node.change(backUpFiles, { includeApiObjects: false })
  t.equal(facts[path], undefined)
  t.equal(facts[roots], sha256Hex(ofRoot))
  t.equal(node.sha256(`${backupFolder('/var/lib/quorate-agent', runId)}/files${path}.age`), undefined)
  const fifo = () => {
    home.unlinkFolder()
    rmSync(home.config)
    makeFifo(home.config)
  }
  during({ when: 'before', call: 'read', ...where, act: fifo })
  await node.change(backUpFiles, { includeApiObjects: false })
})

/** A node whose run rewrote the user's file; what it left. */
async function rewritten(t: Test) {
  const seen = await victim(t)
  const { touched } = await seen.node.change(rewriteKubeconfig, user)
  return { ...seen, restore: { name: path, expectedSha256: touched[0]?.sha256After ?? '' } }
}

t.test("a restore does not put a user's exec plugin into root's kubeconfig", async (t) => {
  const { node, home, during, restore } = await rewritten(t)
  during({ when: 'before', call: 'replace', ...where, act: home.linkFolder })
  t.equal((await rejected(node.change(restoreBackup, restore))).code, 'SYMLINK_REFUSED')
  t.equal(node.read(roots), ofRoot)
  home.unlinkFolder()
  await node.change(restoreBackup, restore)
  t.equal(node.read(path), ofEve)
})

t.test('a restore looks at the file of the user only', async (t) => {
  const { node, home, during, restore } = await rewritten(t)
  during({ when: 'before', call: 'read', ...where, act: home.linkFolder })
  const error = await rejected(node.change(restoreBackup, { ...restore, expectedSha256: sha256Hex(ofRoot) }))
  t.equal(error.code, 'SYMLINK_REFUSED')
  t.notMatch(error.message, key)
  t.equal(node.read(roots), ofRoot)
  t.match(node.read('/home/eve/.kube-own/config'), server)
})

t.test("a restore of a file that was not there does not remove root's", async (t) => {
  const { node, home, during } = await victim(t)
  rmSync(home.config)
  const { keepFiles } = await import('../../../../agent/src/ops/backup/store.js')
  const { host, stateFolder } = node.tools
  await keepFiles({ host, stateFolder, runId, backups: node.tools.backups }, [path])
  home.put(path, ofEve, { uid: eve })
  during({ when: 'before', call: 'remove', ...where, act: home.linkFolder })
  const error = await rejected(node.change(restoreBackup, { name: path, expectedSha256: sha256Hex(ofEve) }))
  t.equal(error.code, 'SYMLINK_REFUSED')
  t.equal(node.read(roots), ofRoot)
})
