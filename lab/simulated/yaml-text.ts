import { stringify } from 'yaml'

/** YAML as kubeadm's own writer lays it out: keys sorted, sequences not indented, no folding. */
export function yamlText(value: unknown): string {
  return stringify(value, { indentSeq: false, lineWidth: 0, sortMapEntries: true, defaultStringType: 'PLAIN' })
}
