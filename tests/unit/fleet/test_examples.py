"""The examples for other engines match the schemas of these engines and each other."""

from __future__ import annotations

from jsonschema import Draft202012Validator

from hadeploy.cli.main import COMMANDS
from hadeploy.errors import ExitCode
from hadeploy.fleet.conflicts import find_conflicts
from hadeploy.fleet.files import inventory_files
from hadeploy.fleet.verdict import DONE
from hadeploy.inventory.load import read_inventory
from tests.lab.fleet_examples import FOLDER, awx_command, ci_scripts, job_command, loaded

TEXT = {"type": "string"}
JOB = {
    "type": "object",
    "required": ["apiVersion", "kind", "metadata", "spec"],
    "properties": {
        "apiVersion": {"const": "batch/v1"},
        "kind": {"const": "Job"},
        # `kubectl create` makes a name of it, so that a cluster may have its next run.
        "metadata": {"required": ["generateName"]},
        "spec": {
            "required": ["backoffLimit", "template", "podFailurePolicy"],
            "properties": {
                "backoffLimit": {"type": "integer"},
                "activeDeadlineSeconds": {"type": "integer"},
                "template": {
                    "required": ["metadata", "spec"],
                    "properties": {
                        "spec": {
                            "required": ["containers", "restartPolicy"],
                            "properties": {
                                # A podFailurePolicy allows no other.
                                "restartPolicy": {"const": "Never"},
                                "terminationGracePeriodSeconds": {"minimum": 60},
                                "containers": {
                                    "minItems": 1,
                                    "items": {
                                        "required": ["name", "image", "command"],
                                        "properties": {"command": {"type": "array", "items": TEXT}},
                                    },
                                },
                            },
                        }
                    },
                },
            },
        },
    },
}


def test_the_inventories_are_good_and_do_not_clash() -> None:
    inventories = [
        read_inventory(FOLDER.parent / f) for f in inventory_files([str(FOLDER / "inventories")])
    ]
    assert [inventory.cluster.name for inventory in inventories] == ["berlin", "hamburg"]
    assert [inventory.warnings for inventory in inventories] == [(), ()]
    assert find_conflicts(inventories) == []


def test_the_job_has_the_shape_of_one() -> None:
    job = loaded("job.yaml")
    Draft202012Validator(JOB).validate(job)
    pod = job["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert {m["name"] for m in container["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    (rule,) = job["spec"]["podFailurePolicy"]["rules"]
    assert rule["onExitCodes"]["containerName"] == container["name"]
    assert rule["onExitCodes"]["values"] == [ExitCode.USAGE]


def test_what_ends_the_pod_is_an_interrupt() -> None:
    assert "STOPSIGNAL SIGINT" in (FOLDER / "Containerfile").read_text().splitlines()


def test_the_matrix_is_of_what_the_first_job_lists() -> None:
    jobs = loaded("github-actions.yaml")["jobs"]
    (output,) = jobs["clusters"]["outputs"]
    assert (
        jobs["up"]["strategy"]["matrix"]["inventory"]
        == f"${{{{ fromJSON(needs.clusters.outputs.{output}) }}}}"
    )
    assert f'print("{output}="' in ci_scripts()[0]
    assert jobs["up"]["strategy"]["fail-fast"] is False


def test_awx_has_a_host_for_each_inventory() -> None:
    group = loaded("awx-inventory.yaml")["clusters"]
    assert [f"{host}.yaml" for host in group["hosts"]] == sorted(
        file.name for file in (FOLDER / "inventories").iterdir()
    )
    assert list(group["vars"]) == ["hadeploy_inventory"]
    ((play,),) = (loaded("awx.yaml"),)
    assert (play["hosts"], play["connection"]) == ("clusters", "local")


def test_they_run_commands_that_there_are() -> None:
    for words in (job_command("berlin"), awx_command("berlin.yaml"), ci_scripts()[1].split()):
        program, command, *_ = words
        assert program == "hadeploy"
        assert command in DONE
        assert command in COMMANDS
