import { generateKeyPairSync } from 'node:crypto'
import { signCheckpoint, verifierOf } from '@quorate/shared/checkpoint'
import { consistencyProof, leafHash, rootOf } from '@quorate/shared/merkle'
import t from 'tap'
import { getCheckpoint } from '../../../../agent/src/ops/get-checkpoint.js'
import { keepCheckpoint } from '../../../../agent/src/ops/keep-checkpoint.js'
import { OpsNode } from '../../../support/ops-node.js'

const { signal } = new AbortController()

/** A log of the coordinator: what it would send of its first `size` lines. */
function logOf(lines: readonly string[], origin = 'quorate/0123456789ab') {
  const { privateKey } = generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  })
  const sign = (some: readonly string[], size: number, fromSize: number) => {
    const leaves = some.slice(0, size).map((line) => leafHash(Buffer.from(line)))
    return {
      verifier: verifierOf(origin, privateKey),
      checkpoint: signCheckpoint({ origin, size, root: rootOf(leaves) }, privateKey),
      proof: consistencyProof(leaves, fromSize).map((hash) => hash.toString('hex')),
      fromSize,
    }
  }
  return { origin, of: (size: number, fromSize: number) => sign(lines, size, fromSize), sign }
}

const lines = ['a', 'b', 'c', 'd', 'e', 'f', 'g']

t.test('a node keeps the newest checkpoint that continues the one it was shown', async (t) => {
  const node = await OpsNode.make(t)
  const log = logOf(lines)
  const kept = () => getCheckpoint.run({ origin: log.origin }, node.tools, signal)
  t.same(await kept(), { verifier: '', checkpoint: '' })
  for (const [size, from] of [
    [3, 0],
    [5, 3],
    [7, 5],
  ] as const) {
    await keepCheckpoint.run(log.of(size, from), node.tools, signal)
    t.equal((await kept()).checkpoint, log.of(size, from).checkpoint, `${size}`)
  }
  t.equal(
    (await keepCheckpoint.run(log.of(4, 7), node.tools, signal)).checkpoint,
    log.of(7, 0).checkpoint,
    'an older one',
  )
  t.equal((await kept()).checkpoint, log.of(7, 0).checkpoint, 'changes nothing')
})

t.test('a rewritten history, another key, a proof of something else: refused, and what is kept stays', async (t) => {
  const node = await OpsNode.make(t)
  const log = logOf(lines)
  await keepCheckpoint.run(log.of(3, 0), node.tools, signal)
  const rewritten = ['a', 'B', 'c', 'd', 'e']
  const refused = (what: string, request: ReturnType<typeof log.of>) =>
    t.rejects(keepCheckpoint.run(request, node.tools, signal), { code: 'CHECKPOINT_REFUSED' }, what)
  await refused('rewritten, with a proof of its own', log.sign(rewritten, 5, 3))
  await refused('rewritten, as long as before', log.sign(rewritten, 3, 3))
  await refused('without a proof', { ...log.of(5, 3), proof: [] })
  await refused('another key', logOf(lines).of(5, 3))
  await refused('not signed', { ...log.of(5, 3), checkpoint: log.of(5, 3).checkpoint.replace('\n5\n', '\n6\n') })
  const { checkpoint } = await getCheckpoint.run({ origin: log.origin }, node.tools, signal)
  t.equal(checkpoint, log.of(3, 0).checkpoint)
})

t.test('two at once: none goes back', async (t) => {
  const node = await OpsNode.make(t)
  const log = logOf(lines)
  await Promise.all([7, 3, 5].map((size) => keepCheckpoint.run(log.of(size, 0), node.tools, signal)))
  const { checkpoint } = await getCheckpoint.run({ origin: log.origin }, node.tools, signal)
  t.equal(checkpoint, log.of(7, 0).checkpoint)
})

t.test('logs of other fleets do not fill the disk', async (t) => {
  const node = await OpsNode.make(t)
  const origins = Array.from({ length: 17 }, (_, index) => `quorate/${String(index).padStart(12, '0')}`)
  for (const origin of origins.slice(0, 16)) await keepCheckpoint.run(logOf(lines, origin).of(3, 0), node.tools, signal)
  await t.rejects(keepCheckpoint.run(logOf(lines, origins[16]).of(3, 0), node.tools, signal), {
    code: 'CHECKPOINT_REFUSED',
  })
})

t.test('what is no checkpoint any more is told, not overwritten', async (t) => {
  const node = await OpsNode.make(t)
  const log = logOf(lines)
  node.write('/var/lib/quorate-agent/checkpoints/0123456789ab.json', 'nonsense')
  await t.rejects(keepCheckpoint.run(log.of(3, 0), node.tools, signal), { code: 'CHECKPOINT_REFUSED' })
})
