// SCIMMY with handlers as its documentation shows them: everything in memory, and whole populations handed
// to the library, which filters and pages them.
//
//     node scimmy.mjs PORT
import { randomUUID } from "node:crypto";
import express from "express";
import SCIMMY from "scimmy";
import SCIMMYRouters from "scimmy-routers";

function store() {
    const kept = new Map();
    return {
        ingress(resource, data) {
            const now = new Date().toISOString();
            const id = resource.id ?? randomUUID();
            const known = kept.get(id);
            if (resource.id && !known) throw new SCIMMY.Types.Error(404, null, `Resource ${id} not found`);
            const value = { ...JSON.parse(JSON.stringify(data)), id, meta: { created: known?.meta.created ?? now, lastModified: now } };
            kept.set(id, value);
            return value;
        },
        egress(resource) {
            if (!resource.id) return [...kept.values()];
            const value = kept.get(resource.id);
            if (!value) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
            return value;
        },
        degress(resource) {
            if (!kept.delete(resource.id)) throw new SCIMMY.Types.Error(404, null, `Resource ${resource.id} not found`);
        },
    };
}

for (const type of [SCIMMY.Resources.User, SCIMMY.Resources.Group]) {
    const { ingress, egress, degress } = store();
    SCIMMY.Resources.declare(type).ingress(ingress).egress(egress).degress(degress);
}

const app = express();
app.use("/scim", new SCIMMYRouters({ type: "bearer", handler: () => "bench" }));
app.listen(Number(process.argv[2]), "127.0.0.1");
