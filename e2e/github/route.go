package github

import (
	"net/http"
	"net/url"
	"strings"
)

// route is one operation of the REST API.
type route struct {
	method, pattern string
	// permission that an App needs for it: read for GET, write for the others
	// (docs: rest/authentication/permissions-required-for-github-apps).
	permission string
	docs       string
	handle     func(*call) (*reply, error)
}

// repoPrefix begins the patterns that belong to the repository.
const repoPrefix = "/repos/{owner}/{repo}"

// routes is the API as far as the stand-in knows it. A pattern has {name} for
// one segment and at most one {name...} for several.
func routes() []route {
	at := func(method, pattern, permission, docs string, handle func(*call) (*reply, error)) route {
		return route{method, repoPrefix + pattern, permission, docs, handle}
	}
	const get, post, patch, put, del = http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete
	return []route{
		{get, "/user", "", "users/users#get-the-authenticated-user", (*call).getUser},
		{get, "/rate_limit", "", "rate-limit/rate-limit", (*call).getRateLimit},
		at(get, "", "metadata", "repos/repos#get-a-repository", (*call).getRepository),

		at(get, "/git/ref/{ref...}", "contents", "git/refs#get-a-reference", (*call).getRef),
		at(get, "/git/matching-refs/{ref...}", "contents", "git/refs#list-matching-references", (*call).matchingRefs),
		at(post, "/git/refs", "contents", "git/refs#create-a-reference", (*call).createRef),
		at(patch, "/git/refs/{ref...}", "contents", "git/refs#update-a-reference", (*call).updateRef),
		at(del, "/git/refs/{ref...}", "contents", "git/refs#delete-a-reference", (*call).deleteRef),
		at(post, "/git/blobs", "contents", "git/blobs#create-a-blob", (*call).createBlob),
		at(get, "/git/blobs/{sha}", "contents", "git/blobs#get-a-blob", (*call).getBlob),
		at(post, "/git/trees", "contents", "git/trees#create-a-tree", (*call).createTree),
		at(get, "/git/trees/{sha...}", "contents", "git/trees#get-a-tree", (*call).getTree),
		at(post, "/git/commits", "contents", "git/commits#create-a-commit", (*call).createCommit),
		at(get, "/git/commits/{sha}", "contents", "git/commits#get-a-commit", (*call).getGitCommit),

		at(get, "/branches", "contents", "branches/branches#list-branches", (*call).listBranches),
		at(get, "/branches/{branch...}", "contents", "branches/branches#get-a-branch", (*call).getBranch),
		at(get, "/contents/{path...}", "contents", "repos/contents#get-repository-content", (*call).getContents),
		at(get, "/contents", "contents", "repos/contents#get-repository-content", (*call).getContents),
		at(get, "/compare/{basehead...}", "contents", "commits/commits#compare-two-commits", (*call).compare),
		at(get, "/commits", "contents", "commits/commits#list-commits", (*call).listCommits),
		at(get, "/commits/{ref...}/status", "statuses", "commits/statuses#get-the-combined-status-for-a-specific-reference", (*call).combinedStatus),
		at(get, "/commits/{ref...}/statuses", "statuses", "commits/statuses#list-commit-statuses-for-a-reference", (*call).listStatuses),
		at(get, "/commits/{ref...}/check-runs", "checks", "checks/runs#list-check-runs-for-a-git-reference", (*call).listCheckRuns),
		at(get, "/commits/{ref...}", "contents", "commits/commits#get-a-commit", (*call).getCommit),
		at(post, "/statuses/{sha...}", "statuses", "commits/statuses#create-a-commit-status", (*call).createStatus),
		at(post, "/check-runs", "checks", "checks/runs#create-a-check-run", (*call).createCheckRun),
		at(patch, "/check-runs/{id}", "checks", "checks/runs#update-a-check-run", (*call).updateCheckRun),
		at(get, "/check-runs/{id}", "checks", "checks/runs#get-a-check-run", (*call).getCheckRun),

		at(get, "/pulls", "pull_requests", "pulls/pulls#list-pull-requests", (*call).listPulls),
		at(post, "/pulls", "pull_requests", "pulls/pulls#create-a-pull-request", (*call).createPull),
		at(get, "/pulls/{number}", "pull_requests", "pulls/pulls#get-a-pull-request", (*call).getPull),
		at(patch, "/pulls/{number}", "pull_requests", "pulls/pulls#update-a-pull-request", (*call).editPull),
		at(get, "/pulls/{number}/files", "pull_requests", "pulls/pulls#list-pull-requests-files", (*call).pullFiles),
		at(get, "/pulls/{number}/commits", "pull_requests", "pulls/pulls#list-commits-on-a-pull-request", (*call).pullCommits),
		at(get, "/pulls/{number}/merge", "pull_requests", "pulls/pulls#check-if-a-pull-request-has-been-merged", (*call).isMerged),
		at(put, "/pulls/{number}/merge", "contents", "pulls/pulls#merge-a-pull-request", (*call).mergePull),
		at(put, "/pulls/{number}/update-branch", "pull_requests", "pulls/pulls#update-a-pull-request-branch", (*call).updateBranch),
		at(get, "/pulls/{number}/requested_reviewers", "pull_requests", "pulls/review-requests#get-all-requested-reviewers-for-a-pull-request", (*call).listReviewers),
		at(post, "/pulls/{number}/requested_reviewers", "pull_requests", "pulls/review-requests#request-reviewers-for-a-pull-request", (*call).requestReviewers),
		at(del, "/pulls/{number}/requested_reviewers", "pull_requests", "pulls/review-requests#remove-requested-reviewers-from-a-pull-request", (*call).removeReviewers),

		at(get, "/issues/{number}", "issues", "issues/issues#get-an-issue", (*call).getIssue),
		at(get, "/issues/{number}/comments", "issues", "issues/comments#list-issue-comments", (*call).listComments),
		at(post, "/issues/{number}/comments", "issues", "issues/comments#create-an-issue-comment", (*call).createComment),
		at(get, "/issues/comments/{id}", "issues", "issues/comments#get-an-issue-comment", (*call).getComment),
		at(patch, "/issues/comments/{id}", "issues", "issues/comments#update-an-issue-comment", (*call).editComment),
		at(del, "/issues/comments/{id}", "issues", "issues/comments#delete-an-issue-comment", (*call).deleteComment),
		at(get, "/labels", "issues", "issues/labels#list-labels-for-a-repository", (*call).listLabels),
		at(post, "/labels", "issues", "issues/labels#create-a-label", (*call).createLabel),
		at(get, "/labels/{name}", "issues", "issues/labels#get-a-label", (*call).getLabel),
		at(get, "/issues/{number}/labels", "issues", "issues/labels#list-labels-for-an-issue", (*call).issueLabels),
		at(post, "/issues/{number}/labels", "issues", "issues/labels#add-labels-to-an-issue", (*call).addLabels),
		at(put, "/issues/{number}/labels", "issues", "issues/labels#set-labels-for-an-issue", (*call).setLabels),
		at(del, "/issues/{number}/labels", "issues", "issues/labels#remove-all-labels-from-an-issue", (*call).setLabels),
		at(del, "/issues/{number}/labels/{name}", "issues", "issues/labels#remove-a-label-from-an-issue", (*call).removeLabel),
		at(post, "/issues/{number}/assignees", "issues", "issues/assignees#add-assignees-to-an-issue", (*call).addAssignees),
		at(del, "/issues/{number}/assignees", "issues", "issues/assignees#remove-assignees-from-an-issue", (*call).removeAssignees),
	}
}

// match finds the first route for a method and an escaped path.
func match(routes []route, method, path string) (*route, map[string]string) {
	segments := strings.Split(strings.Trim(path, "/"), "/")
	for i := range routes {
		if routes[i].method != method {
			continue
		}
		if vars, ok := bind(strings.Split(strings.Trim(routes[i].pattern, "/"), "/"), segments); ok {
			return &routes[i], vars
		}
	}
	return nil, nil
}

// bind matches segments with a pattern's. A slash inside of a segment may be
// escaped or, where the pattern takes several segments, stand as it is.
func bind(pattern, segments []string) (map[string]string, bool) {
	vars := make(map[string]string)
	for i, want := range pattern {
		name, isVar := strings.CutPrefix(want, "{")
		name, several := strings.CutSuffix(strings.TrimSuffix(name, "}"), "...")
		take := 1
		if several {
			take = len(segments) - (len(pattern) - i - 1)
		}
		if take < 1 || take > len(segments) {
			return nil, false
		}
		got, err := url.PathUnescape(strings.Join(segments[:take], "/"))
		if err != nil || got == "" || (!isVar && got != want) {
			return nil, false
		}
		if isVar {
			vars[name] = got
		}
		segments = segments[take:]
	}
	return vars, len(segments) == 0
}
