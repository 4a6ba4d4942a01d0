"""Bring a built archive to a server; needs ``pip install 'dagy[deploy]'``.

    deploy_artifact("daily-latest-3f2a91c07b5d.zip", deployment_name="nightly")

Without ``api_url=`` and ``auth=``, ``DAGY_API_URL`` and ``DAGY_TOKEN`` of the environment count.
The archive is verified before anything is sent, and nothing in it is imported. `Flow.deploy` builds
one, and deploys it. `plan_deployment` looks what there is to do, `carry_out` does it.
"""

from dagy.deploy._archive import Archive, read_archive
from dagy.deploy._deploying import deploy_artifact, deploy_flow, upload_artifact_via_api
from dagy.deploy._execution import Deployed, carry_out
from dagy.deploy._plan import DeploymentPlan, plan_deployment
from dagy.deploy._storage import ArtifactPlace, ArtifactStorage, ServerStorage
from dagy.deploy._task_changes import TaskChanges

__all__ = [
    "Archive",
    "ArtifactPlace",
    "ArtifactStorage",
    "Deployed",
    "DeploymentPlan",
    "ServerStorage",
    "TaskChanges",
    "carry_out",
    "deploy_artifact",
    "deploy_flow",
    "plan_deployment",
    "read_archive",
    "upload_artifact_via_api",
]
