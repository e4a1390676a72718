import type { RunReport } from '../schema.js'
import { isHash } from '../text.js'
import { type Content, type Html, html } from './markup.js'
import { section } from './parts.js'

/** How to undo the run: with one command, and by hand. */
export function undo(report: RunReport): Html {
  const { outcome, undo: by, backups } = report
  const copies = backups.filter((one) => !isHash(one))
  return section(
    'undo',
    'How to undo the run',
    html`${outcome === 'rolled-back' ? html`<p>The run is undone.</p>` : by.length === 0 ? html`<p>Nothing is left to undo.</p>` : commands(report)}${
      copies.length === 0
        ? ''
        : html`<h3>Backups</h3><p><code>quorate backup list</code> lists them all. The key that <code>quorate init</code> named decrypts them.</p><ul>${copies.map(({ what, saw }) => html`<li>${what}: ${saw}</li>`)}</ul>`
    }`,
  )
}

const commands = ({ run, purpose, undo: by }: RunReport): Content =>
  html`<dl class="commands"><dt>Everything, in reverse order, with etcd\u2019s quorum predicted before each member leaves</dt><dd><pre tabindex="0">quorate rollback ${run}</pre></dd>${purpose === 'conversion' ? html`<dt>Only the joins: load balancer, certificate and kubeconfigs stay</dt><dd><pre tabindex="0">quorate rollback ${run} --keep-endpoint</pre></dd>` : ''}</dl>
<h3>By hand, in this order</h3><ol>${by.map(({ step, how, nodes }) => html`<li><code>${step}</code>: ${how} <span class="faint">(${nodes.join(', ')})</span></li>`)}</ol>`
