// Cuts GitHub's OpenAPI description down to the operations in use and what they refer to, so that the proxy starts in two seconds
// instead of eleven: node trim.mjs DESCRIPTION OUTPUT
import { readFileSync, writeFileSync } from 'node:fs';

const operations = [
  'get /orgs/{org}/teams/{team_slug}/memberships/{username}',
  'get /repos/{owner}/{repo}/branches/{branch}',
  'get /repos/{owner}/{repo}/check-runs/{check_run_id}',
  'get /repos/{owner}/{repo}/check-runs/{check_run_id}/annotations',
  'get /repos/{owner}/{repo}/collaborators/{username}/permission',
  'get /repos/{owner}/{repo}/commits/{ref}',
  'get /repos/{owner}/{repo}/commits/{ref}/check-runs',
  'get /repos/{owner}/{repo}/commits/{ref}/statuses',
  'get /repos/{owner}/{repo}/compare/{basehead}',
  'get /repos/{owner}/{repo}/deployments',
  'get /repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
  'get /repos/{owner}/{repo}/installation',
  'get /repos/{owner}/{repo}/issues/comments/{comment_id}',
  'get /repos/{owner}/{repo}/issues/{issue_number}/comments',
  'get /repos/{owner}/{repo}/pulls',
  'get /repos/{owner}/{repo}/pulls/{pull_number}',
  'get /repos/{owner}/{repo}/pulls/{pull_number}/files',
  'get /user',
  'get /zen',
  'patch /repos/{owner}/{repo}/check-runs/{check_run_id}',
  'patch /repos/{owner}/{repo}/issues/comments/{comment_id}',
  'post /app/installations/{installation_id}/access_tokens',
  'post /repos/{owner}/{repo}/check-runs',
  'post /repos/{owner}/{repo}/deployments',
  'post /repos/{owner}/{repo}/deployments/{deployment_id}/statuses',
  'post /repos/{owner}/{repo}/issues/{issue_number}/comments',
  'post /repos/{owner}/{repo}/statuses/{sha}',
];

const [source, output] = process.argv.slice(2);
const whole = JSON.parse(readFileSync(source, 'utf8'));
const trimmed = { openapi: whole.openapi, info: whole.info, servers: whole.servers, paths: {}, components: {} };

const take = (value) => {
  if (Array.isArray(value)) return value.forEach(take);
  if (value === null || typeof value !== 'object') return undefined;
  if (typeof value.$ref === 'string') {
    const [, , kind, name] = value.$ref.split('/');
    const known = (trimmed.components[kind] ??= {});
    if (!(name in known)) {
      known[name] = whole.components[kind][name];
      take(known[name]);
    }
  }
  Object.values(value).forEach(take);
};

for (const operation of operations) {
  const [method, path] = operation.split(' ');
  const described = whole.paths[path]?.[method];
  if (!described) throw new Error(`GitHub's description has no ${operation}`);
  const { parameters } = whole.paths[path];
  trimmed.paths[path] ??= parameters ? { parameters } : {};
  trimmed.paths[path][method] = described;
  take([described, parameters ?? []]);
}

// GitHub answers to its own media types too; the description lists only the plain one, and the proxy would refuse them.
const own = ['application/vnd.github+json', 'application/vnd.github.v3+json'];
const addMediaTypes = (holder) => {
  const json = holder?.content?.['application/json'];
  if (json) for (const type of own) holder.content[type] ??= json;
};
Object.values(trimmed.components.responses ?? {}).forEach(addMediaTypes);
for (const path of Object.values(trimmed.paths)) {
  for (const operation of Object.values(path)) Object.values(operation?.responses ?? {}).forEach(addMediaTypes);
}

writeFileSync(output, JSON.stringify(trimmed));
