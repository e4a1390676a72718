import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openCheckpoint, signCheckpoint, verifierOf } from '@quorate/shared/checkpoint'
import { consistencyProof, isConsistent, leafHash, rootOf } from '@quorate/shared/merkle'
import t from 'tap'

const origin = 'quorate/0123456789ab'
const key = () =>
  generateKeyPairSync('ed25519', {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey
const privateKey = key()
const verifier = verifierOf(origin, privateKey)
const leaves = Array.from({ length: 20 }, (_, index) => leafHash(Buffer.from(`line ${index}`)))
const tree = (size: number) => ({ size, root: rootOf(leaves.slice(0, size)) })

/** Every pair of sizes of a tree of 20 leaves. */
const growths = Array.from({ length: 20 }, (_, n) => n + 1).flatMap((newSize) =>
  Array.from({ length: newSize }, (_, m) => m + 1).map((oldSize) => ({
    ...{ oldSize, newSize, older: tree(oldSize), newer: tree(newSize) },
    proof: consistencyProof(leaves.slice(0, newSize), oldSize),
  })),
)

t.test('the root and the leaf hash of RFC 6962', async (t) => {
  t.equal(rootOf([]).toString('hex'), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855')
  t.equal(leafHash(Buffer.alloc(0)).toString('hex'), '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d')
})

t.test('a tree that grew proves it; a tree that was changed proves nothing', async (t) => {
  for (const { older, newer, proof } of growths) {
    if (!isConsistent(older, newer, proof)) t.fail(`${older.size} to ${newer.size}`)
    const another = { ...older, root: leafHash(older.root) }
    if (isConsistent(another, newer, proof)) t.fail(`another tree of ${older.size} to ${newer.size}`)
    if (isConsistent(older, { ...newer, root: leafHash(newer.root) }, proof)) t.fail(`${older.size} to another`)
    if (proof.length > 0 && isConsistent(older, newer, proof.slice(1))) t.fail(`half a proof of ${older.size}`)
    if (isConsistent(older, newer, [...proof, newer.root])) t.fail(`more than a proof of ${older.size}`)
  }
  t.notOk(isConsistent(tree(9), tree(8), []), 'it never shrinks')
})

t.test('a checkpoint is refused unless the key of its log signed it, whole', async (t) => {
  const note = signCheckpoint({ origin, ...tree(7) }, privateKey)
  t.match(openCheckpoint(note, verifier), { origin, size: 7 })
  const refused = { code: 'CHECKPOINT_REFUSED' }
  for (const [what, changed] of Object.entries({
    size: note.replace('\n7\n', '\n8\n'),
    origin: note.replace(origin, 'quorate/ba9876543210'),
    'no signature': note.split('\n\n')[0] ?? '',
    'half a signature': note.slice(0, -9),
    'more lines': note.replace('\n\n', '\nmore\n\n'),
    'two texts': `${note}\n${note}`,
    'no text': '',
    'a long text': note + 'x'.repeat(5000),
  }))
    t.throws(() => openCheckpoint(changed, verifier), refused, what)
  t.throws(() => openCheckpoint(signCheckpoint({ origin, ...tree(7) }, key()), verifier), refused, 'another key')
  t.throws(() => openCheckpoint(note, verifier.replace(/\+.*\+/, '+00000000+')), refused, 'another key hash')
  t.throws(() => openCheckpoint(note, 'nonsense'), refused)
})

const hasGo = spawnSync('go', ['version']).status === 0

t.test("Go's sumdb reads the key, the signature and every proof", { skip: hasGo ? false : 'no Go here' }, async (t) => {
  const folder = join(dirname(fileURLToPath(import.meta.url)), 'checkpoint')
  const base64 = (hash: Buffer) => hash.toString('base64')
  const input = {
    verifier,
    note: signCheckpoint({ origin, ...tree(20) }, privateKey),
    growths: growths.map(({ oldSize, newSize, older, newer, proof }) => ({
      ...{ oldSize, newSize, oldRoot: base64(older.root), newRoot: base64(newer.root), proof: proof.map(base64) },
    })),
  }
  const said = execFileSync('go', ['run', '.'], { cwd: folder, input: JSON.stringify(input), encoding: 'utf8' })
  t.equal(said, `${origin}\n20\n${base64(tree(20).root)}\n210 growths\n`)
})
