"""What becomes of each name of the Azure ML SDK v1: the one table, read by `azml check`, the guide and the drop-in."""

from .facts import Entry, Fact, Room, Verdict

_LOGS = "runs.log and its like are stored when the call returns"
_DEPLOY = (
    "serve the model yourself: run.download_file or Model.get_model_path gives the file, any web framework the rest"
)
_PIPELINE = (
    "call the steps in order from one script, or submit each as a ScriptRunConfig, run.child_run() for each part"
)
_ESTIMATOR = (
    "use ScriptRunConfig(source_directory, script, arguments=..., environment=...), which took the Estimators' place"
)
_AUTOML = "search with HyperDriveConfig, or with scikit-learn's GridSearchCV after azml_integrations.autolog()"
_KEYS = "secrets are not stored here: read them from environment variables"
_AUTH = "taken and forgotten: there is nobody to sign in to"
_MACHINE = "every name is this machine"
_NOTHING = "there is nothing to do on one machine, so nothing is done"
_CLOUD_DATA = "copy the data to this machine; Dataset.File.from_files and Dataset.Tabular.from_* read local paths"
_EITHER = "TabularDataset|FileDataset"
_ADMIN = "a workspace is a folder on this machine: there is no account, no key and no network to look after"


def _runs(name: str, parameters: str | None = None, gives: str = "", why: str = "") -> Fact:
    return Fact(name, Verdict.RUNS, why, parameters, gives)


def _differs(name: str, why: str, parameters: str | None = None, gives: str = "") -> Fact:
    return Fact(name, Verdict.DIFFERS, why, parameters, gives)


def _cloud(name: str, why: str) -> Fact:
    return Fact(name, Verdict.CLOUD, why)


def _each(names: str, gives: str = "") -> tuple[Fact, ...]:
    """Return attributes that run as they are."""
    return tuple(_runs(name, gives=gives) for name in names.split())


def _core(module: str) -> tuple[str, str]:
    return "azureml.core", f"azureml.core.{module}"


# -- workspace, experiment, run ----------------------------------------------------------------------

_WORKSPACE = Entry(
    _differs(
        "Workspace",
        "a folder on this machine, made when it is not there yet",
        "subscription_id, resource_group, workspace_name, auth=None, _location=None, _disable_service_check=False, "
        "_workspace_id=None, sku='basic', tags=None, _cloud='AzureCloud'",
        "Workspace",
    ),
    _core("workspace"),
    (
        _runs(
            "from_config",
            "path=None, auth=None, _logger=None, _file_name=None",
            "Workspace",
            "without a config.json, and without a path, the local workspace `default` is used",
        ),
        _runs("write_config", "path=None, file_name=None"),
        _differs(
            "create",
            "a folder on this machine; everything about storage, vaults and registries is ignored",
            "name, auth=None, subscription_id=None, resource_group=None, location=None, create_resource_group=True, "
            "sku='basic', tags=None, friendly_name=None, storage_account=None, key_vault=None, app_insights=None, "
            "container_registry=None, **kwargs",
            "Workspace",
        ),
        _runs(
            "get",
            "name, auth=None, subscription_id=None, resource_group=None, location=None, cloud='AzureCloud', id=None",
            "Workspace",
        ),
        _runs("list", "subscription_id, auth=None, resource_group=None"),
        *_each("name subscription_id resource_group location sku tags discovery_url service_context"),
        _runs("get_details", ""),
        _runs("experiments", gives="{Experiment}"),
        _differs(
            "compute_targets",
            f"lists `local` and the names that runs were sent to; {_MACHINE}",
            gives="{ComputeTarget}",
        ),
        _runs("datastores", gives="{Datastore}"),
        _runs("datasets", gives=f"{{{_EITHER}}}"),
        _runs("environments", gives="{Environment}"),
        _runs("models", gives="{Model}"),
        *_each("images webservices linked_services private_endpoints"),
        _differs("get_default_datastore", "a folder of the workspace", "", "Datastore"),
        _runs("set_default_datastore", "name"),
        _differs("get_default_compute_target", "this machine", "type", "ComputeTarget"),
        _runs("get_run", "run_id", "Run"),
        _differs("get_mlflow_tracking_uri", "a folder of the workspace that MLflow can track into", "_with_auth=False"),
        _cloud("get_default_keyvault", _KEYS),
        *(
            _cloud(name, _ADMIN)
            for name in (
                *("setup", "update", "delete", "list_keys", "sync_keys", "set_connection", "get_connection"),
                *("list_connections", "delete_connection", "diagnose_workspace", "add_private_endpoint"),
            )
        ),
    ),
)

_EXPERIMENT = Entry(
    _runs(
        "Experiment",
        "workspace, name, _skip_name_validation=False, _id=None, _archived_time=None, _create_in_cloud=True, "
        "_experiment_dto=None, **kwargs",
        "Experiment",
        "workspace_object=, the keyword of 2018, is taken too",
    ),
    _core("experiment"),
    (
        _differs(
            "submit",
            "runs on this machine, whatever the target; show_output=True streams instead of raising TypeError",
            "config, tags=None, **kwargs",
            "Run",
        ),
        _runs(
            "start_logging",
            "name=None, run_id=None, outputs=None, snapshot_directory='.', **kwargs",
            "Run",
        ),
        _runs("get_runs", "type=None, tags=None, properties=None, include_children=False", "[Run]"),
        _runs("list", "workspace, experiment_name=None, view_type='ActiveOnly', tags=None", "[Experiment]"),
        _runs("delete", "workspace, experiment_id"),
        _runs("archive", ""),
        _differs("reactivate", "an experiment cannot be renamed: its runs carry its name", "new_name=None"),
        _runs("tag", "key, value=None"),
        _runs("set_tags", "tags"),
        _runs("remove_tags", "tags"),
        _runs("refresh", ""),
        _runs("workspace", gives="Workspace"),
        _runs("workspace_object", gives="Workspace"),
        *_each("name id archived_time tags"),
        _differs("get_portal_url", "an address on this machine", ""),
        _runs("get_docs_url", ""),
        _runs("from_directory", "path, auth=None", "Experiment"),
    ),
)

_RUN = Entry(
    _runs("Run", "experiment, run_id, outputs=None, **kwargs", "Run"),
    _core("run"),
    (
        _runs(
            "get_context",
            "allow_offline=True, used_for_context_manager=False, **kwargs",
            "Run",
            "outside a submission the run is stored and has every verb, and is an `_OfflineRun` still",
        ),
        _runs("get_submitted_run", "**kwargs", "Run"),
        _runs("start_logging", "experiment, *args, **kwargs", "Run"),
        _runs("get", "workspace, run_id", "Run"),
        _runs(
            "list", "experiment, type=None, tags=None, properties=None, status=None, include_children=False", "[Run]"
        ),
        _runs("list_by_compute", "compute, type=None, tags=None, properties=None, status=None", "[Run]"),
        _runs("add_type_provider", "runtype, run_factory"),
        _differs("submit_child", "runs on this machine, whatever the target", "config, tags=None, **kwargs", "Run"),
        _runs("child_run", "name=None, run_id=None, outputs=None", "Run"),
        _runs("create_children", "count=None, tag_key=None, tag_values=None", "[Run]"),
        *_each("id _run_id name number type display_name description status tags properties"),
        _runs("experiment", gives="Experiment"),
        _runs("parent", gives="Run"),
        _runs("input_datasets"),
        _runs("output_datasets"),
        _runs("get_status", ""),
        _runs("get_tags", ""),
        _runs("get_properties", ""),
        _runs("tag", "key, value=None"),
        _runs("set_tags", "tags"),
        _runs("remove_tags", "tags"),
        _runs("add_properties", "properties"),
        _runs("get_details", ""),
        _runs("get_details_with_logs", ""),
        _runs("get_detailed_status", ""),
        _runs("get_environment", "", "Environment"),
        _differs("get_portal_url", "an address on this machine", ""),
        _runs("get_docs_url", ""),
        _cloud("get_secret", _KEYS),
        _cloud("get_secrets", _KEYS),
        _runs("clean", ""),
        _runs("get_children", "recursive=False, tags=None, properties=None, type=None, status=None", "[Run]"),
        _runs(
            "get_metrics",
            "name=None, recursive=False, run_type=None, populate=False",
            why="the same shapes, with one value for a list of one; run.metric_points(name) loses nothing",
        ),
        _runs(
            "log",
            "name, value, description='', step=None",
            why="stored when it returns; NumPy integers, 0-d arrays and tensors stay numbers",
        ),
        _runs("log_list", "name, value, description=''", why="empty lists and integer arrays are taken"),
        _runs("log_row", "name, description=None, **kwargs", why="rows may lack columns"),
        _runs("log_table", "name, value, description=''", why="arrays and tuples are taken as columns"),
        _runs(
            "log_image",
            "name, path=None, plot=None, description=''",
            why="pixels are taken too, and a plot in the place of the path",
        ),
        _runs("log_confusion_matrix", "name, value, description=''"),
        _runs("log_residuals", "name, value, description=''"),
        _runs("log_predictions", "name, value, description=''"),
        _runs("log_accuracy_table", "name, value, description=''"),
        _runs("flush", "timeout_seconds=300", why="nothing is queued, so nothing is awaited"),
        _differs(
            "upload_file",
            "the same name again replaces the file; paths are taken",
            "name, path_or_stream, datastore_name=None",
        ),
        _differs(
            "upload_files",
            "the same name again replaces the file; paths are taken",
            "names, paths, return_artifacts=False, timeout_seconds=None, datastore_name=None",
        ),
        _differs("upload_folder", "the same name again replaces the file", "name, path, datastore_name=None"),
        _runs("get_file_names", ""),
        _runs("download_file", "name, output_file_path=None"),
        _runs(
            "download_files",
            "prefix=None, output_directory=None, output_paths=None, batch_size=100, append_prefix=True, "
            "timeout_seconds=None",
        ),
        _runs("get_all_logs", "destination=None"),
        _runs(
            "register_model",
            "model_name, model_path=None, tags=None, properties=None, model_framework=None, "
            "model_framework_version=None, description=None, datasets=None, sample_input_dataset=None, "
            "sample_output_dataset=None, resource_configuration=None, **kwargs",
            "Model",
        ),
        _runs("take_snapshot", "file_or_folder_path"),
        _runs("get_snapshot_id", ""),
        _runs("restore_snapshot", "snapshot_id=None, path=None"),
        _runs("start", ""),
        _runs("complete", "_set_status=True"),
        _runs("fail", "error_details=None, error_code=None"),
        _runs("cancel", ""),
        _runs("wait_for_completion", "show_output=False, wait_post_processing=False, raise_on_error=True"),
        Fact("log_metric", Verdict.BROKEN, "the old SDK never had it, one page of its documentation did: use run.log"),
        Fact("log_param", Verdict.BROKEN, "that is MLflow's: use run.add_properties or run.log"),
        _runs("log_metrics", why="ours: many values in one call", parameters="values, step=None"),
        _runs("metric_points", why="ours: every point with its step and time", parameters="name"),
        _runs("to_html", why="ours: the run as one HTML file", parameters="path=None"),
        _runs(
            "get_children_sorted_by_primary_metric",
            "top=0, reverse=False, discard_no_metric=False",
            why="of a HyperDriveRun",
        ),
        _runs(
            "get_best_run_by_primary_metric",
            "include_failed=True, include_canceled=True, include_resume_from_runs=True",
            "Run",
            "of a HyperDriveRun",
        ),
        _runs("get_hyperparameters", "", why="of a HyperDriveRun"),
    ),
)

_SCRIPT_RUN = Entry(_runs("ScriptRun", None, "Run"), _core("script_run"), like="Run")
_OFFLINE = Entry(_runs("_OfflineRun", None, "Run"), ("azureml.core.run",), like="Run")
_SUBMITTED = Entry(_runs("_SubmittedRun", None, "Run"), ("azureml.core.run",), like="Run")
_GET_RUN = Entry(_runs("get_run", "experiment, run_id, rehydrate=True, clean_up=True", "Run"), _core("run"))
_VIEW_TYPE = Entry(_runs("ViewType"), ("azureml.core.experiment",), _each("ActiveOnly All ArchivedOnly"))
_VERSIONS = tuple(
    Entry(
        _differs(name, "the version of azml_integrations; scripts that compare it with 1.x need a look"),
        ("azureml.core",),
    )
    for name in ("VERSION", "__version__")
)

# -- submitting --------------------------------------------------------------------------------------

_SCRIPT_RUN_CONFIG = Entry(
    _runs(
        "ScriptRunConfig",
        "source_directory, script=None, arguments=None, run_config=None, _telemetry_values=None, compute_target=None, "
        "environment=None, distributed_job_config=None, resume_from=None, max_run_duration_seconds=2592000, "
        "command=None, docker_runtime_config=None",
        "ScriptRunConfig",
    ),
    _core("script_run_config"),
    (*_each("script arguments source_directory command"), _runs("run_config", gives="RunConfiguration")),
)

_RUN_CONFIGURATION = Entry(
    _runs(
        "RunConfiguration",
        "script=None, arguments=None, framework=None, communicator=None, conda_dependencies=None, "
        "_history_enabled=None, _path=None, _name=None, command=None",
        "RunConfiguration",
    ),
    _core("runconfig"),
    (
        *_each(
            "script arguments command framework communicator max_run_duration_seconds node_count priority history "
            "tensorflow mpi pytorch data_references data output_data environment_variables auto_prepare_environment "
            "paralleltask datacaches services credential_passthrough source_directory_data_store"
        ),
        _differs("target", "kept as data: scripts run on this machine"),
        _differs("docker", "kept as data: no container is started"),
        _differs("amlcompute", "kept as data: no machine is rented"),
        _differs("kubernetescompute", "kept as data: no machine is rented"),
        _differs("hdi", "kept as data: no machine is rented"),
        _differs("spark", "kept as data: no Spark is started; call pyspark from the script"),
        _runs("environment", gives="Environment"),
        _runs("save", "path=None, name=None, separate_environment_yaml=False"),
        _runs("load", "path, name=None", "RunConfiguration"),
        _runs("delete", "path, name"),
    ),
)

_DISTRIBUTED = (
    Entry(_runs("MpiConfiguration", "process_count_per_node=1, node_count=1"), ("azureml.core.runconfig",)),
    Entry(
        _runs("PyTorchConfiguration", "communication_backend='Nccl', process_count=None, node_count=1"),
        ("azureml.core.runconfig",),
    ),
    Entry(_runs("TensorflowConfiguration", "worker_count=1, parameter_server_count=1"), ("azureml.core.runconfig",)),
    Entry(
        _differs(
            "DockerConfiguration",
            "kept as data: no container is started",
            "use_docker=False, shared_volumes=True, arguments=[], shm_size='2g'",
        ),
        ("azureml.core.runconfig",),
    ),
    *(
        Entry(
            _differs(name, "an image's name, kept as data: no container is started"),
            ("azureml.core.runconfig", "azureml.core.environment"),
        )
        for name in ("DEFAULT_CPU_IMAGE", "DEFAULT_GPU_IMAGE")
    ),
    Entry(
        _runs(
            "DataReferenceConfiguration",
            "datastore_name=None, mode='mount', path_on_datastore=None, path_on_compute=None, overwrite=False",
        ),
        ("azureml.core.runconfig",),
    ),
)

_ENVIRONMENT = Entry(
    _runs("Environment", "name, **kwargs", "Environment"),
    (*_core("environment"), "azureml.core.runconfig"),
    (
        *_each("name version python environment_variables asset_id inferencing_stack_version"),
        _runs("label", None),
        _differs("databricks", "kept as data: no cluster is started"),
        _differs("r", "kept as data: no R is started"),
        _differs(
            "from_docker_build_context",
            "kept as data: no container is started",
            "name, docker_build_context",
            "Environment",
        ),
        _differs("docker", "kept as data: no container is started"),
        _differs("spark", "kept as data: no Spark is started"),
        _runs("register", "workspace", "Environment"),
        _runs("get", "workspace, name, version=None, label=None", "Environment", "curated environments are not here"),
        _runs("list", "workspace", "{Environment}"),
        _runs("clone", "new_name", "Environment"),
        _runs("from_conda_specification", "name, file_path", "Environment"),
        _runs("from_pip_requirements", "name, file_path, pip_version=None", "Environment"),
        _differs(
            "from_existing_conda_environment",
            "asks the conda of this machine, and keeps as data what it says",
            "name, conda_environment_name",
            "Environment",
        ),
        _differs(
            "from_dockerfile",
            "kept as data: no container is started",
            "name, dockerfile, conda_specification=None, pip_requirements=None",
            "Environment",
        ),
        _differs(
            "from_docker_image",
            "kept as data: no container is started",
            "name, image, container_registry=None, conda_specification=None, pip_requirements=None",
            "Environment",
        ),
        _runs("save_to_directory", "path, overwrite=False"),
        _runs("load_from_directory", "path", "Environment"),
        *(
            _cloud(name, "no image is built: scripts run on this machine, in an environment that build_local makes")
            for name in ("build", "get_image_details")
        ),
        _differs("build_local", "builds a virtual environment, no image", "workspace, platform=None, **kwargs"),
        _runs("add_private_pip_wheel", "workspace, file_path, exist_ok=False"),
    ),
)

_CONDA = Entry(
    _runs("CondaDependencies", "conda_dependencies_file_path=None", "CondaDependencies"),
    ("azureml.core.conda_dependencies", "azureml.core.runconfig", "azureml.core.environment"),
    (
        _runs(
            "create",
            None,
            "CondaDependencies",
            "packages named azureml-* are never installed",
        ),
        _runs("add_conda_package", "conda_package"),
        _runs("add_pip_package", "pip_package"),
        _runs("add_channel", "channel"),
        _runs("remove_conda_package", "conda_package"),
        _runs("remove_pip_package", "pip_package"),
        *(
            _runs(name, None)
            for name in (
                *("remove_channel", "remove_pip_option", "set_pip_index_url", "set_pip_option"),
                *("set_pip_requirements", "merge_requirements", "add_tensorflow_conda_package"),
                "add_tensorflow_pip_package",
            )
        ),
        *_each("conda_channels conda_packages pip_packages pip_options"),
        _runs("set_python_version", "version"),
        _runs("get_python_version", ""),
        _runs("serialize_to_string", ""),
        _runs("save", "path=None"),
        _runs("save_to_file", "base_directory, conda_file_path=None"),
        _runs("as_dict", ""),
    ),
)

# -- compute -----------------------------------------------------------------------------------------

_COMPUTE_PLACES = ("azureml.core.compute", "azureml.core", "azureml.core.compute_target")
_COMPUTE = (
    Entry(
        _differs("ComputeTarget", _MACHINE, "workspace, name", "ComputeTarget"),
        _COMPUTE_PLACES,
        (
            _differs(
                "create",
                "nothing is rented; the target of that name is this machine",
                "workspace, name, provisioning_configuration",
                "ComputeTarget",
            ),
            _differs("attach", _MACHINE, "workspace, name, attach_configuration", "ComputeTarget"),
            _differs("list", "lists this machine, by the names that runs were sent to", "workspace", "[ComputeTarget]"),
            _differs(
                "wait_for_completion",
                "returns at once: this machine is there",
                "show_output=False, **kwargs",
            ),
            _differs("get_status", "always ready", ""),
            *_each("name type location provisioning_state provisioning_errors tags id workspace vm_size status"),
            _differs("refresh_state", _NOTHING, ""),
            _differs("update", _NOTHING, "*args, **kwargs"),
            _differs("delete", _NOTHING, ""),
            _differs("detach", _NOTHING, ""),
            _runs("list_nodes", ""),
            _runs("serialize", ""),
        ),
    ),
    Entry(
        _differs("AmlCompute", _MACHINE, "workspace, name", "AmlCompute"),
        ("azureml.core.compute",),
        (
            _differs("provisioning_configuration", "kept as data: nothing is rented", "**kwargs"),
            _differs("supported_vmsizes", "lists this machine", "workspace, location=None"),
        ),
        like="ComputeTarget",
    ),
    Entry(
        _differs("ComputeInstance", _MACHINE, "workspace, name", "AmlCompute"),
        ("azureml.core.compute",),
        (_differs("provisioning_configuration", "kept as data: nothing is rented", "**kwargs"),),
        like="ComputeTarget",
    ),
    Entry(
        _runs("ComputeTargetException"),
        ("azureml.core.compute_target", "azureml.exceptions", "azureml.core.compute"),
    ),
    Entry(_runs("LocalTarget", None, "ComputeTarget"), ("azureml.core.compute_target",), like="ComputeTarget"),
    *(
        Entry(
            _cloud(name, "scripts run on this machine: leave the target out, or use 'local'"), ("azureml.core.compute",)
        )
        for name in (
            *("AksCompute", "RemoteCompute", "DsvmCompute", "HDInsightCompute", "DatabricksCompute", "BatchCompute"),
            *("AdlaCompute", "DataFactoryCompute", "KubernetesCompute", "SynapseCompute"),
        )
    ),
    *(
        Entry(_cloud(name, "scripts run on this machine: leave the target out, or use 'local'"), ("azureml.core",))
        for name in ("attach_legacy_compute_target", "prepare_compute_target", "remove_legacy_compute_target")
    ),
)

_SECTIONS = (
    *(
        Entry(_differs(name, "kept as data: no container, cluster or Spark is started"), ("azureml.core.runconfig",))
        for name in (
            *("AmlComputeConfiguration", "HdiConfiguration", "KubernetesComputeConfiguration", "SparkConfiguration"),
            "ParallelTaskConfiguration",
        )
    ),
    Entry(_runs("HistoryConfiguration"), ("azureml.core.runconfig",)),
    *(
        Entry(_differs(name, "kept as data: no container, cluster or Spark is started"), ("azureml.core.environment",))
        for name in (
            *("DockerSection", "DockerBuildContext", "DockerImagePlatform", "SparkSection", "DatabricksSection"),
            "RSection",
        )
    ),
    Entry(_runs("PythonSection"), ("azureml.core.environment",)),
    Entry(_runs("PYTHON_DEFAULT_VERSION"), ("azureml.core.conda_dependencies",)),
)

_AUTHENTICATION = tuple(
    Entry(
        _differs(name, _AUTH, "*args, **kwargs", name),
        ("azureml.core.authentication",),
        tuple(
            _differs(verb, "raises AuthenticationException: there is no token")
            for verb in ("get_authentication_header", "get_token")
        ),
    )
    for name in (
        *("InteractiveLoginAuthentication", "ServicePrincipalAuthentication", "AzureCliAuthentication"),
        *("MsiAuthentication", "TokenAuthentication", "AbstractAuthentication"),
    )
)

# -- models ------------------------------------------------------------------------------------------

_MODEL = Entry(
    _runs(
        "Model",
        "workspace, name=None, id=None, tags=None, properties=None, version=None, run_id=None, model_framework=None, "
        "expand=True",
        "Model",
    ),
    _core("model"),
    (
        _runs(
            "register",
            "workspace, model_path, model_name, tags=None, properties=None, description=None, datasets=None, "
            "model_framework=None, model_framework_version=None, child_paths=None, sample_input_dataset=None, "
            "sample_output_dataset=None, resource_configuration=None",
            "Model",
        ),
        _runs(
            "list",
            "workspace, name=None, tags=None, properties=None, run_id=None, latest=False, dataset_id=None, "
            "expand=True, page_count=255, model_framework=None",
            "[Model]",
        ),
        _runs("get_model_path", "model_name, version=None, _workspace=None"),
        _runs("download", "target_dir='.', exist_ok=False, exists_ok=None"),
        *_each(
            "name version id url path description tags properties run_id experiment_name created_time "
            "created_by model_framework model_framework_version datasets resource_configuration sample_input_dataset "
            "sample_output_dataset"
        ),
        _runs("run", gives="Run"),
        _runs("workspace", gives="Workspace"),
        _runs("add_tags", "tags"),
        _runs("remove_tags", "tags"),
        _runs("add_properties", "properties"),
        _runs("update", None),
        _runs("update_tags_properties", None),
        _runs("get_sas_urls", ""),
        _runs("delete", ""),
        _runs("serialize", ""),
        _runs("Framework"),
        _runs("deserialize", "workspace, model_payload", "Model"),
        *(_cloud(name, _DEPLOY) for name in ("deploy", "package", "profile")),
    ),
)
_MODEL_CLOUD = tuple(
    Entry(_cloud(name, _DEPLOY), ("azureml.core.model",)) for name in ("InferenceConfig", "ModelPackage")
)

# -- data --------------------------------------------------------------------------------------------

_DATASET_VERBS = (
    *_each("id name version description tags data_changed_time partition_keys"),
    _runs("get_partition_key_values", None),
    _runs("register", "workspace, name, description=None, tags=None, create_new_version=False", _EITHER),
    _runs("as_named_input", "name", "DatasetConsumptionConfig"),
    _runs("take", "count", _EITHER),
    _runs("skip", "count", _EITHER),
    _runs("take_sample", "probability, seed=None", _EITHER),
    _runs("random_split", "percentage, seed=None", f"[{_EITHER}]"),
    _runs("add_tags", None),
    _runs("remove_tags", None),
    _runs("update", None),
    _runs("unregister_all_versions", ""),
)
_TABULAR_VERBS = (
    _runs("to_pandas_dataframe", None, "DataFrame"),
    _runs("keep_columns", None, "TabularDataset"),
    _runs("drop_columns", "columns", "TabularDataset"),
    *(
        _runs(name, None, "TabularDataset")
        for name in ("filter", "with_timestamp_columns", "time_before", "time_after", "time_between", "time_recent")
    ),
    _runs("timestamp_columns"),
    _runs("to_csv_files", None, "FileDataset"),
    _runs("to_parquet_files", None, "FileDataset"),
    _cloud("to_spark_dataframe", "to_pandas_dataframe() reads all rows"),
)
_FILE_VERBS = (
    _runs("to_path", ""),
    _runs("download", "target_path=None, overwrite=False"),
    _differs("mount", "a folder with the files: nothing is mounted", "mount_point=None"),
    _differs("as_mount", "the script gets a local path", "path_on_compute=None", "DatasetConsumptionConfig"),
    _differs("as_download", "the script gets a local path", "path_on_compute=None", "DatasetConsumptionConfig"),
)
_DATASET = Entry(
    _runs("Dataset"),
    _core("dataset"),
    (
        _runs("Tabular", gives="TabularDatasetFactory"),
        _runs("File", gives="FileDatasetFactory"),
        _runs("get_by_name", "workspace, name, version='latest'", _EITHER),
        _runs("get_by_id", "workspace, id", _EITHER),
        _runs("get_all", "workspace", f"{{{_EITHER}}}"),
    ),
)
_DATA = (
    Entry(
        _runs("TabularDatasetFactory", None, "TabularDatasetFactory"),
        ("azureml.data.dataset_factory",),
        (
            _runs(
                "from_delimited_files",
                "path, validate=True, include_path=False, infer_column_types=True, set_column_types=None, "
                "separator=',', header=True, partition_format=None, support_multi_line=False, empty_as_string=False, "
                "encoding='utf8'",
                "TabularDataset",
            ),
            _runs("from_parquet_files", "path, **kwargs", "TabularDataset"),
            _runs("from_json_lines_files", "path, **kwargs", "TabularDataset"),
            _runs("register_pandas_dataframe", None, "TabularDataset"),
            _cloud("from_sql_query", _CLOUD_DATA),
        ),
    ),
    Entry(
        _runs("FileDatasetFactory", None, "FileDatasetFactory"),
        ("azureml.data.dataset_factory",),
        (
            _runs("from_files", "path, validate=True, partition_format=None, is_file=False", "FileDataset"),
            _runs("upload_directory", None, "FileDataset"),
        ),
    ),
    Entry(
        _runs("TabularDataset", None, "TabularDataset"),
        ("azureml.data", "azureml.data.tabular_dataset"),
        _TABULAR_VERBS,
        like="AbstractDataset",
    ),
    Entry(
        _runs("FileDataset", None, "FileDataset"),
        ("azureml.data", "azureml.data.file_dataset"),
        _FILE_VERBS,
        like="AbstractDataset",
    ),
    Entry(
        _runs(
            "DatasetConsumptionConfig",
            "name, dataset, mode='direct', path_on_compute=None",
            "DatasetConsumptionConfig",
        ),
        ("azureml.data.dataset_consumption_config", "azureml.data"),
        (
            _differs("as_mount", "the script gets a local path", None, "DatasetConsumptionConfig"),
            _differs("as_download", "the script gets a local path", None, "DatasetConsumptionConfig"),
        ),
    ),
    Entry(
        _runs(
            "OutputFileDatasetConfig",
            "name=None, destination=None, source=None, partition_format=None",
            "OutputFileDatasetConfig",
        ),
        ("azureml.data", "azureml.data.output_dataset_config"),
        (
            _runs("as_upload", None, "OutputFileDatasetConfig"),
            _differs("as_mount", "a local folder", None, "OutputFileDatasetConfig"),
            _runs("as_input", "name=None", "DatasetConsumptionConfig"),
            _runs("register_on_complete", None, "OutputFileDatasetConfig"),
        ),
    ),
    Entry(_runs("DataType"), ("azureml.data", "azureml.data.dataset_factory")),
    Entry(_runs("AbstractDataset"), ("azureml.data.abstract_dataset",), _DATASET_VERBS),
    Entry(_runs("DataPath"), ("azureml.data.datapath",)),
    Entry(
        _runs(
            "DataReference",
            "datastore, data_reference_name=None, path_on_datastore=None, mode='mount', path_on_compute=None, "
            "overwrite=False",
        ),
        ("azureml.data.data_reference",),
    ),
    Entry(
        _differs("Datastore", "a folder of the workspace", "workspace, name=None", "Datastore"),
        _core("datastore"),
        (
            _runs("get", "workspace, datastore_name", "Datastore"),
            _runs("get_default", "workspace", "Datastore"),
            _runs("upload", "src_dir, target_path=None, overwrite=False, show_progress=True"),
            _runs("upload_files", "files, relative_root=None, target_path=None, overwrite=False, show_progress=True"),
            _runs("download", "target_path, prefix=None, overwrite=False, show_progress=True"),
            _runs("path", "path=None, data_reference_name=None", "DataReference"),
            *(
                _differs(name, "the script gets a local path", "", "DataReference")
                for name in ("as_mount", "as_download", "as_upload")
            ),
            _runs("set_as_default", ""),
            _runs("register_local", None, "Datastore", "ours: one more folder of the workspace"),
            *_each("name datastore_type container_name account_name workspace"),
            *(
                _cloud(f"register_azure_{kind}", _CLOUD_DATA)
                for kind in (
                    *("blob_container", "file_share", "data_lake", "data_lake_gen2", "sql_database", "my_sql"),
                    "postgre_sql",
                )
            ),
            _cloud("register_dbfs", _CLOUD_DATA),
            _cloud("register_hdfs", _CLOUD_DATA),
        ),
    ),
)

# -- searches ----------------------------------------------------------------------------------------

_EXPRESSIONS = ("azureml.train.hyperdrive", "azureml.train.hyperdrive.parameter_expressions")
_HYPERDRIVE = (
    *(
        Entry(_runs(name, parameters), _EXPRESSIONS)
        for name, parameters in {
            "choice": "*options",
            "randint": "upper",
            "uniform": "min_value, max_value",
            "quniform": "min_value, max_value, q",
            "loguniform": "min_value, max_value",
            "qloguniform": "min_value, max_value, q",
            "normal": "mu, sigma",
            "qnormal": "mu, sigma, q",
            "lognormal": "mu, sigma",
            "qlognormal": "mu, sigma, q",
        }.items()
    ),
    *(
        Entry(
            _runs(name, "parameter_space, properties=None"),
            ("azureml.train.hyperdrive", "azureml.train.hyperdrive.sampling"),
        )
        for name in ("RandomParameterSampling", "GridParameterSampling", "BayesianParameterSampling")
    ),
    *(
        Entry(_runs(name, parameters), ("azureml.train.hyperdrive", "azureml.train.hyperdrive.policy"))
        for name, parameters in {
            "BanditPolicy": "evaluation_interval=1, slack_factor=None, slack_amount=None, delay_evaluation=0",
            "MedianStoppingPolicy": "evaluation_interval=1, delay_evaluation=0",
            "TruncationSelectionPolicy": "truncation_percentage, evaluation_interval=1, delay_evaluation=0",
            "NoTerminationPolicy": "",
        }.items()
    ),
    Entry(
        _runs(
            "HyperDriveConfig",
            "hyperparameter_sampling, primary_metric_name, primary_metric_goal, max_total_runs, "
            "max_concurrent_runs=None, max_duration_minutes=10080, policy=None, estimator=None, run_config=None, "
            "resume_from=None, resume_child_runs=None, pipeline=None, debug_flag=None, custom_run_id=None",
        ),
        ("azureml.train.hyperdrive", "azureml.train.hyperdrive.runconfig"),
    ),
    Entry(
        _differs("HyperDriveRunConfig", f"the old name of HyperDriveConfig; instead of an Estimator, {_ESTIMATOR}"),
        ("azureml.train.hyperdrive", "azureml.train.hyperdrive.runconfig"),
    ),
    Entry(
        _runs("PrimaryMetricGoal"),
        ("azureml.train.hyperdrive", "azureml.train.hyperdrive.runconfig", "azureml.train.hyperdrive.run"),
        (*_each("MAXIMIZE MINIMIZE"), _runs("from_str", None)),
    ),
    Entry(_runs("EarlyTerminationPolicy"), ("azureml.train.hyperdrive", "azureml.train.hyperdrive.policy")),
    Entry(_runs("HyperParameterSampling"), ("azureml.train.hyperdrive", "azureml.train.hyperdrive.sampling")),
    Entry(
        _runs("HyperDriveRun", None, "Run"),
        ("azureml.train.hyperdrive", "azureml.train.hyperdrive.run"),
        (
            _runs("hyperdrive_config"),
            Fact(
                "get_diagnostics", Verdict.BROKEN, "the old SDK raised HyperDriveNotImplementedException, as ours does"
            ),
        ),
        like="Run",
    ),
)

# -- small things ------------------------------------------------------------------------------------

_SHOW = Entry(
    _runs("RunDetails", "run_instance", "RunDetails"),
    ("azureml.widgets", "azureml.train.widgets"),
    (
        _differs(
            "show",
            "a cell of HTML that needs no extension, a panel in a terminal, lines of text elsewhere",
            "render_lib=None, widget_settings=None",
        ),
        _runs("get_widget_data", "widget_settings=None"),
    ),
)
_TELEMETRY = Entry(
    _differs("set_diagnostics_collection", "nothing is ever sent", "send_diagnostics=True, verbosity=None"),
    ("azureml.telemetry",),
)
_DIAGNOSTIC_LOG = Entry(_differs("diagnostic_log", "nothing is written", "*args, **kwargs"), ("azureml.core",))

_EXCEPTIONS = (
    Entry(_runs("AuthenticationException"), ("azureml.exceptions", "azureml.core.authentication")),
    Entry(_runs("AzureMLException"), ("azureml._common.exceptions", "azureml.exceptions")),
    Entry(_runs("ServiceException"), ("azureml._restclient.exceptions", "azureml.exceptions")),
    *(
        Entry(_runs(name), ("azureml.exceptions",))
        for name in (
            *("UserErrorException", "ActivityFailedException", "ActivityCanceledException"),
            *("ExperimentExecutionException", "RunEnvironmentException", "RunConfigurationException"),
            *("SnapshotException", "WebserviceException", "ModelNotFoundException", "ModelPathNotFoundException"),
            *("WorkspaceException", "ProjectSystemException", "TrainingException", "HyperDriveConfigException"),
            *("HyperDriveNotImplementedException", "DiscoveryUrlNotFoundException", "DatasetTimestampMissingError"),
            *("ParallelRunException", "AzureMLAggregatedException", "WorkspacePrivateEndpointException"),
        )
    ),
)
_SNAPSHOT_LIMIT = Entry(
    _differs("SNAPSHOT_MAX_SIZE_BYTES", "there is no such limit: setting it changes nothing"),
    ("azureml._restclient.snapshots_client",),
)

_CLOUD_NAMES = (
    *(
        Entry(_cloud(name, why), ("azureml.core", *places))
        for name, why, places in (
            ("Keyvault", _KEYS, ("azureml.core.keyvault",)),
            ("Webservice", _DEPLOY, ("azureml.core.webservice",)),
            ("Image", _DEPLOY, ("azureml.core.image",)),
            ("LinkedService", _ADMIN, ("azureml.core.linked_service",)),
            ("PrivateEndPoint", _ADMIN, ("azureml.core.private_endpoint",)),
            ("PrivateEndPointConfig", _ADMIN, ("azureml.core.private_endpoint",)),
            ("attach_workspace", "use Experiment(workspace, name)", ()),
        )
    ),
    Entry(
        _differs("ContainerRegistry", "kept as data: no container is started"),
        (
            *("azureml.core", "azureml.core.container_registry", "azureml.core.environment"),
            "azureml.core.runconfig",
        ),
    ),
    Entry(
        _cloud("ResourceConfiguration", _DEPLOY),
        ("azureml.core.resource_configuration",),
    ),
)

ENTRIES: tuple[Entry, ...] = (
    _WORKSPACE,
    _EXPERIMENT,
    _RUN,
    _SCRIPT_RUN,
    _OFFLINE,
    _SUBMITTED,
    _GET_RUN,
    _VIEW_TYPE,
    *_VERSIONS,
    _SCRIPT_RUN_CONFIG,
    _RUN_CONFIGURATION,
    *_DISTRIBUTED,
    _ENVIRONMENT,
    _CONDA,
    *_SECTIONS,
    *_COMPUTE,
    *_AUTHENTICATION,
    _MODEL,
    *_MODEL_CLOUD,
    _DATASET,
    *_DATA,
    *_HYPERDRIVE,
    _SHOW,
    _TELEMETRY,
    _DIAGNOSTIC_LOG,
    *_EXCEPTIONS,
    _SNAPSHOT_LIMIT,
    *_CLOUD_NAMES,
)

ROOMS: tuple[Room, ...] = (
    Room("azureml.train.estimator", _ESTIMATOR),
    Room("azureml.train.dnn", _ESTIMATOR),
    Room("azureml.train.sklearn", _ESTIMATOR),
    Room("azureml.train.automl", _AUTOML),
    Room("azureml.automl", _AUTOML),
    Room("azureml.pipeline", _PIPELINE),
    Room("azureml.core.webservice", _DEPLOY),
    Room("azureml.core.image", _DEPLOY),
    Room("azureml.monitoring", _DEPLOY),
    Room("azureml.data.azure_storage_datastore", _CLOUD_DATA),
    Room("azureml.data.azure_data_lake_datastore", _CLOUD_DATA),
    Room("azureml.data.azure_sql_database_datastore", _CLOUD_DATA),
    Room("azureml.data.azure_my_sql_datastore", _CLOUD_DATA),
    Room("azureml.data.azure_postgre_sql_datastore", _CLOUD_DATA),
    Room("azureml.data.dbfs_datastore", _CLOUD_DATA),
    Room("azureml.core.profile", _DEPLOY),
    Room("azureml.core.keyvault", _KEYS),
    Room("azureml.core.linked_service", _ADMIN),
    Room("azureml.core.private_endpoint", _ADMIN),
    Room("azureml.core.resource_configuration", _DEPLOY),
    Room("azureml.core.databricks", "scripts run on this machine: leave the target out, or use 'local'"),
    Room("azureml.tensorboard", "point TensorBoard at the run's folder: run.download_files('logs', ...)"),
    Room("azureml.opendatasets", _CLOUD_DATA),
    Room("azureml.interpret", "call the package that it wraps, interpret-community, and run.upload_file the result"),
    Room("azureml.explain", "call the package that it wraps, interpret-community, and run.upload_file the result"),
    Room("azureml.contrib", "it was a preview of the cloud, and nothing here took its place"),
    Room("azureml.datadrift", _CLOUD_DATA),
    Room("azureml.accel", _DEPLOY),
    Room("azureml.dataprep", _CLOUD_DATA),
    Room("azureml.fsspec", _CLOUD_DATA),
    Room("azureml.responsibleai", "call the package that it wraps, responsibleai, and run.upload_file the result"),
)
