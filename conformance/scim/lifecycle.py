"""A whole life cycle with scim2-client, a typed client: it refuses answers that break the standard.

    python lifecycle.py DESCRIBE.json      (with scim2-client from requirements.txt)

Every answer is validated against the schemas that the server itself describes.
"""

import json
import pathlib
import sys
import uuid

from httpx2 import Client
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_models import Error, PatchOp, PatchOperation, ResponseParameters, SearchRequest

connection = json.loads(pathlib.Path(sys.argv[1]).read_text())["connections"][0]
http = Client(base_url=connection["base_url"], headers={"Authorization": f"Bearer {connection['token']}"}, timeout=30)
scim = SyncSCIMClient(http, raise_scim_errors=False)
name = f"life-{uuid.uuid4()}"
passed = failed = 0


def check(what: str, is_so: bool) -> None:
    global passed, failed
    if is_so:
        passed += 1
    else:
        failed += 1
        print(f"FAILED {what}")


def is_refused(answer: object, status: int, scim_type: str | None = None) -> bool:
    return isinstance(answer, Error) and answer.status == status and answer.scim_type == scim_type


def patch(model: type, operation: str, path: str | None = None, value: object = None) -> PatchOp:
    return PatchOp[model](operations=[PatchOperation[model](op=operation, path=path, value=value)])


# Discovery: the client builds its models from what the server says.
scim.discover()
Person = scim.get_resource_model("User")
Crew = scim.get_resource_model("Group")
check("the server describes users, their enterprise extension and groups", None not in (Person, Crew))
check("patch, filters and versions are advertised", all((
    scim.provider.config.patch.supported,
    scim.provider.config.filter.supported,
    scim.provider.config.etag.supported,
)))
Extension = Person.get_extension_model("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User")
check("the enterprise extension has its attributes", "department" in Extension.model_fields)


def person(user_name: str, **attributes: object) -> object:
    return Person(user_name=user_name, **attributes)


# Create and read.
ada = scim.create(person(
    f"{name}@harbour.example", external_id=name, display_name="Ada Ash", active=True,
    name=Person.get_field_root_type("name")(given_name="Ada", family_name="Ash"),
    emails=[Person.get_field_root_type("emails")(value=f"{name}@harbour.example", type="work", primary=True)],
))
check("a person is created", ada.id is not None and ada.active is True and ada.meta.version is not None)
check("the location is the person's", str(ada.meta.location).endswith(f"/Users/{ada.id}"))
check("the person is read as created", scim.query(Person, ada.id) == ada)
check("a second one of the name is refused", is_refused(scim.create(person(f"{name.upper()}@harbour.example")), 409, "uniqueness"))
bob = scim.create(person(f"bob-{name}"))
check("a person needs no more than a name", bob.active is True)

# Lists and filters.
everybody = scim.query(Person)
check("the list has both", {ada.id, bob.id} <= {one.id for one in everybody.resources})
page = scim.query(Person, query_parameters=SearchRequest(start_index=1, count=1))
check("a page has one of all", page.items_per_page == 1 and page.total_results == everybody.total_results)
for text in (
    f'userName eq "{name}@HARBOUR.example"', f'externalId eq "{name}"', f'emails.value eq "{name}@harbour.example"',
    f'emails[type eq "work" and value sw "{name}"]', f'userName sw "{name}" and active eq true', f'id eq "{ada.id}"',
):
    found = scim.query(Person, query_parameters=SearchRequest(filter=text))
    check(text, [one.id for one in found.resources] == [ada.id])
none = scim.query(Person, query_parameters=SearchRequest(filter=f'externalId eq "{name.upper()}"'))
check("externalId is compared exactly", none.total_results == 0 and not none.resources)
searched = scim.search(SearchRequest(filter=f'userName eq "bob-{name}"', attributes=["userName"]))
check("a search at the root finds him", [one.id for one in searched.resources] == [bob.id])
check("a projection leaves the rest out", searched.resources[0].active is None)
brief = scim.query(Person, ada.id, query_parameters=ResponseParameters(excluded_attributes=["emails", "name"]))
check("excluded attributes are left out", brief.emails is None and brief.user_name == ada.user_name)

# Replace.
changed = ada.model_copy(deep=True)
changed.title = "Captain"
changed.display_name = None
changed[Extension] = Extension(department="Docks", employee_number="7")
changed = scim.replace(changed)
check("a replaced person is as sent", changed.title == "Captain" and changed.display_name is None)
check("the extension came along", changed[Extension].department == "Docks")
check("the version moved", changed.meta.version != ada.meta.version)
same = scim.replace(changed)
check("replacing by the same changes nothing", same.meta.version == changed.meta.version)
check("an older version is refused", is_refused(scim.replace(ada), 412))

# Patch.
patched = scim.modify(Person, ada.id, patch(Person, "add", "nickName", "Captain A."))
check("a patch adds", patched.nick_name == "Captain A.")
patched = scim.modify(Person, ada.id, patch(Person, "replace", 'emails[type eq "work"].display', "Ada at work"))
check("a patch reaches into a list", patched.emails[0].display == "Ada at work")
patched = scim.modify(Person, ada.id, patch(Person, "remove", "nickName"))
check("a patch removes", patched.nick_name is None)
version = patched.meta.version
patched = scim.modify(Person, ada.id, patch(Person, "replace", "title", "Captain"))
check("a patch that changes nothing moves no version", patched.meta.version == version)

# Groups.
crew = scim.create(Crew(display_name=f"Crew {name}", members=[Crew.get_field_root_type("members")(value=ada.id)]))
check("a group has its member", [member.value for member in crew.members] == [ada.id])
crew = scim.modify(Crew, crew.id, patch(Crew, "add", "members", [{"value": bob.id}]))
check("a second one joins", {member.value for member in crew.members} == {ada.id, bob.id})
check("the person knows the group", [group.value for group in scim.query(Person, bob.id).groups] == [crew.id])
crew = scim.modify(Crew, crew.id, patch(Crew, "remove", f'members[value eq "{bob.id}"]'))
check("and leaves", [member.value for member in crew.members] == [ada.id])
found = scim.query(Crew, query_parameters=SearchRequest(filter=f'displayName eq "crew {name}"', excluded_attributes=["members"]))
check("a group is found without its members", [one.id for one in found.resources] == [crew.id] and not found.resources[0].members)

# The end.
gone = scim.modify(Person, ada.id, patch(Person, "replace", "active", False))
check("a person is deactivated, and stays readable", gone.active is False and scim.query(Person, ada.id).active is False)
back = scim.modify(Person, ada.id, patch(Person, "replace", "active", True))
check("and activated again", back.active is True)
check("a person is deleted", scim.delete(Person, ada.id) is None)
check("and gone", is_refused(scim.query(Person, ada.id), 404))
check("the group has lost the member", not scim.query(Crew, crew.id).members)
check("the group is deleted", scim.delete(Crew, crew.id) is None)
check("a group that is gone is not there", is_refused(scim.delete(Crew, crew.id), 404))
check("the second person is deleted", scim.delete(Person, bob.id) is None)
check("the name is free again", (again := scim.create(person(f"{name}@harbour.example"))).id not in (None, ada.id))
check("and deleted for good", scim.delete(Person, again.id) is None)

print(f"\n{passed} passed, {failed} failed")
sys.exit(1 if failed else 0)
