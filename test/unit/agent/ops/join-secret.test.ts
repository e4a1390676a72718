import { createFleetCa } from '@quorate/shared/issue-certificate'
import { joinSecretPath } from '@quorate/shared/names'
import t from 'tap'
import { parseJoinSecret, readJoinSecret, removeJoinSecret } from '../../../../agent/src/ops/cluster/join-secret.js'
import { placeJoinSecret } from '../../../../agent/src/ops/place-join-secret.js'
import { sealedBy } from '../../../support/node-identities.js'
import { OpsNode, rejected, runId } from '../../../support/ops-node.js'

const secret = {
  token: 'abcdef.0123456789abcdef',
  certificateKey: 'c0ffee00'.repeat(8),
  endpoint: 'apiserver.example.com:8443',
  caPem: createFleetCa('cluster').certPem,
}

t.test('placed for the join only, in a file that only root reads', async (t) => {
  const node = await OpsNode.make(t)
  const seal = (text: string) => sealedBy(node.tools.sealing, node.asRecipient, text, { purpose: 'join-secret', runId })
  const result = await node.change(placeJoinSecret, { secret: await seal(JSON.stringify(secret)) })
  t.equal(node.mode(joinSecretPath), 0o600)
  t.equal(result.facts['token_id'], 'abcdef')
  t.notMatch(JSON.stringify([result, node.progress]), /0123456789abcdef|c0ffee00/)
  t.strictSame(await readJoinSecret(node.tools.host), secret)
  t.equal((await node.change(placeJoinSecret, { secret: await seal(JSON.stringify(secret)) })).unchanged, true)
  const bad = await rejected(node.change(placeJoinSecret, { secret: await seal(`{"token": "${secret.token}`) }))
  t.equal(bad.code, 'INVALID_REQUEST')
  t.notMatch(`${bad.message} ${bad.stack}`, secret.token)
  await removeJoinSecret(node.tools.host)
  t.equal(await readJoinSecret(node.tools.host), undefined)
})

t.test('what is not one is refused', async (t) => {
  for (const text of ['', 'null', '{}', '{"token":"abc","certificateKey":""}', '{"token":"abcdef.0123456789abcdef"}']) {
    t.throws(() => parseJoinSecret(text), { code: 'INVALID_REQUEST' }, text)
  }
  t.equal(
    parseJoinSecret(JSON.stringify({ ...secret, certificateKey: '' })).certificateKey,
    '',
    'a token is enough for preflight',
  )
})
