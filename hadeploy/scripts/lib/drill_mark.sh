# shellcheck shell=sh
# The file that exists while a drill causes a failure on the node.
# Inputs: HD_CLUSTER

# shellcheck disable=SC2034  # drill.sh
drill_mark=/run/hadeploy/$HD_CLUSTER.drill
