# shellcheck shell=sh
# The file that exists while a drill watches the node.
# Inputs: HD_CLUSTER

# shellcheck disable=SC2034  # watch.sh, ask.sh
watch_mark=/run/hadeploy/$HD_CLUSTER.watch
