"""Look after the site's user pool and stack on AWS, with the operator's own credentials.

    aws_account         boto3 clients of the operator
    pool, app_clients   requests that change one setting, and reset no other
    plans, journal      plan a change of a pool, do it, prove it; what a cut-off run has left
    attach              wire our triggers into a pool, and out again
    repair              accounts in bulk: unconfirmed, forced password changes, duplicate numbers
    doctor              examine a stage, and name the command that repairs each fault
    accepted_findings   the findings that a stage accepts for a time
    deploy, revert      run by make deploy, make undeploy and make revert
    deploy_config       a stage of deploy.toml
    stack, revision     what is deployed
    retained            what earlier stacks of a stage have left
    terminal            base of the commands: show, ask, report errors

The commands are cognito_attach, cognito_detach, cognito_set, cognito_repair and cognito_doctor. The
site itself imports nothing of this, and its role could do none of it.
"""
