import type { TriedChange } from '@quorate/shared/gen/quorate/v1/node_agent'
import { type Refusal, refusalOf, triedChanges } from '../alike/admission.js'
import type { Finding } from '../context/finding.js'
import type { Check } from './check.js'

const id = 'admission'

/** Tries webhooks, policies and quotas with a dry run before the conversion (Kubernetes documentation, dry-run). */
export const admission: Check = {
  id,
  title: 'No webhook, policy or quota refuses what the run changes',
  async check(run) {
    const refused = (await triedChanges(run)).flatMap((tried) => {
      const refusal = refusalOf(tried)
      return refusal === undefined ? [] : [{ tried, refusal }]
    })
    const one = new Map<string, { refusal: Refusal; all: TriedChange[] }>()
    for (const { tried, refusal } of refused) {
      const key = `${refusal.by} ${refusal.message}`
      const known = one.get(key)
      if (known === undefined) one.set(key, { refusal, all: [tried] })
      else known.all.push(tried)
    }
    return [...one.values()].map(({ refusal, all }) => finding(refusal, all))
  },
}

function finding({ severity, message, remedy }: Refusal, all: readonly TriedChange[]): Finding {
  const changes = all.map(({ change, asUser }) => (asUser === '' ? change : `${change} (as ${asUser})`))
  const { error = '' } = all[0] ?? {}
  return {
    id,
    severity,
    message: `${message}: ${changes.join('; ')}`,
    evidence: `dry run (dryRun=All) of ${all[0]?.change}: ${error === '' ? 'the stored data would differ from what was sent' : error.slice(0, 500)}`,
    remedy,
  }
}
