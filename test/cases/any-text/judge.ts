import { planText } from '@quorate/coordinator/cli/render/plan'
import { makeStyle } from '@quorate/coordinator/cli/render/style'
import type { Plan } from '@quorate/coordinator/runs/plan'
import { asQuorateError } from '@quorate/shared/errors'

/** Words of a program that met what it did not expect, and what must never reach a terminal. */
const ofDefects =
  /\b(?:[A-Z]\w*Error\b|undefined\b|NaN\b|INTERNAL\b)|\[object |Cannot read|is not a function|(?![\n\t])\p{Cc}|\p{Cf}/u

export interface Judged {
  readonly exitCode: number
  readonly plan?: Plan
  /** What is wrong with the answer itself, whatever the text was. */
  readonly faults: readonly string[]
}

/** The exit code that `quorate plan` ends with, and what of its words should not be there. */
export async function judge(planned: () => Promise<Plan>): Promise<Judged> {
  try {
    const plan = await planned()
    const shown = planText(plan, makeStyle(false))
    const findings = plan.findings.filter(({ remedy, message }) => remedy === '' || message === '')
    const steps = plan.blocked ? [] : plan.steps.filter(({ problem }) => problem !== undefined)
    return {
      exitCode: plan.blocked ? 3 : 0,
      plan,
      faults: [
        ...findings.map(({ id, message }) => `${id} has no message or remedy: ${message}`),
        ...steps.map(({ id, problem }) => `${id} is not planned, and nothing blocks: ${problem}`),
        ...(ofDefects.exec(shown)?.slice(0, 1) ?? []).map(
          (word) => `it says ${JSON.stringify(word)}: ${around(shown, shown.search(ofDefects))}`,
        ),
      ],
    }
  } catch (thrown) {
    const { exitCode, code, message } = asQuorateError(thrown)
    return { exitCode, faults: [`${code}: ${message}`] }
  }
}

const around = (text: string, at: number): string => JSON.stringify(text.slice(Math.max(0, at - 150), at + 150))

/** Findings that name all of these: the node or object in their place, the file or key, and in their remedy what opens it. */
export function findingsAbout(
  { findings }: Plan,
  about: { readonly node?: string; readonly names: readonly string[]; readonly opens: string },
): Plan['findings'] {
  return findings.filter(({ node, message, evidence, remedy }) => {
    const text = `${message}\n${evidence}`
    return node === about.node && about.names.every((name) => text.includes(name)) && remedy.includes(about.opens)
  })
}
