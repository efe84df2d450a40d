"""Gymnasium environments over Lapwing's simulator; importing this package registers them.

The environments are `Lapwing/Lake-v0`, `Lapwing/Jungle-v0` and `Lapwing/Track-v0`. Importing a
package is how Gymnasium learns of environments: its releases from 1.0 on look for no entry points
of installed distributions. So this is the one package of ours whose import has an effect. It loads
neither the simulator nor its renderer.
"""

from lapwing_gym.registration import register_environments

register_environments()
