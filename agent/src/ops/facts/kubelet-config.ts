import { readComponentConfig, withoutHeaders } from '@quorate/shared/component-config'
import type { NodeFacts } from '@quorate/shared/gen/quorate/v1/facts'
import { usualKubelet } from '@quorate/shared/kubelet-command'
import { filePlace } from '@quorate/shared/text-place'
import type { Host } from '../../host/host.js'
import { unreadFacts } from './unread.js'

/** The kubelet's configuration without secrets. What cannot be read stays on the node: nobody could say where in it a secret is. */
export async function readKubeletConfig(
  host: Host,
): Promise<Pick<NodeFacts, 'kubeletConfig' | 'cgroupDriver' | 'unread'>> {
  const nothing = { kubeletConfig: '', cgroupDriver: '', unread: [] }
  const file = await host.read(usualKubelet.config, { followLinks: true })
  if (file === undefined) return nothing
  try {
    const text = file.bytes.toString('utf8')
    const config = readComponentConfig(text, 'KubeletConfiguration', filePlace(usualKubelet.config))
    const { cgroupDriver } = config.value
    return {
      ...nothing,
      kubeletConfig: withoutHeaders(config),
      cgroupDriver: typeof cgroupDriver === 'string' ? cgroupDriver : '',
    }
  } catch (error) {
    return { ...nothing, unread: [unreadFacts("the kubelet's configuration", error, { needed: true })] }
  }
}
