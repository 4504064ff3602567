"""Look after the site's user pool and stack on AWS, with the operator's own credentials.

    pool      what UpdateUserPool must be sent so that it changes one thing and resets nothing
    account   boto3 clients of the operator
    stack     what lambdas/template.yaml became
    attach    wire our triggers into a pool, and out again
    repair    repair accounts in bulk: unconfirmed, forced password changes, duplicate numbers
    doctor    examine a stage, and name the command that repairs each fault
    accepted  which of its findings a stage lives with for a time
    config    what deploy.toml says of a stage
    remains   what earlier stacks of a stage have left
    deploy    what make deploy and make undeploy run

The commands are cognito_attach, cognito_detach, cognito_set, cognito_repair and cognito_doctor. The
site itself imports nothing of this, and its role could do none of it.
"""
