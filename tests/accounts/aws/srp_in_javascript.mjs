// Answers of amazon-cognito-identity-js to challenges, with its random number and its clock given.
// Reads [{ secret, at, user_id, salt, srp_b, secret_block, password, pool_id }, …] from stdin.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(process.argv[2]);
const { AuthenticationDetails, CognitoUser, CognitoUserPool } = require("amazon-cognito-identity-js");
const library = (name) => require(`amazon-cognito-identity-js/lib/${name}`).default;
const BigInteger = library("BigInteger");
const Helper = library("AuthenticationHelper");
const RealDate = Date;

function answer(given) {
  Helper.prototype.generateRandomSmallA = () => new BigInteger(given.secret, 16);
  globalThis.Date = class extends RealDate {
    constructor(...values) {
      super(...(values.length ? values : [given.at]));
    }
  };
  const pool = new CognitoUserPool({ UserPoolId: given.pool_id, ClientId: "client" });
  const user = new CognitoUser({ Username: "+12015550123", Pool: pool });
  user.setAuthenticationFlowType("CUSTOM_AUTH");
  return new Promise((resolve, reject) => {
    const sent = {};
    user.client = {
      request(operation, asked, reply) {
        if (operation === "InitiateAuth") {
          sent.SRP_A = asked.AuthParameters.SRP_A;
          const ChallengeParameters = {
            USER_ID_FOR_SRP: given.user_id,
            SALT: given.salt,
            SRP_B: given.srp_b,
            SECRET_BLOCK: given.secret_block,
          };
          reply(null, { ChallengeName: "PASSWORD_VERIFIER", ChallengeParameters });
        } else resolve({ ...sent, ...asked.ChallengeResponses });
      },
    };
    const details = new AuthenticationDetails({ Username: "+12015550123", Password: given.password });
    user.authenticateUser(details, { onFailure: reject });
  });
}

const answers = [];
for (const given of JSON.parse(readFileSync(0, "utf8"))) answers.push(await answer(given));
console.log(JSON.stringify(answers));
