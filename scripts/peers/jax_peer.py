"""JAX on the CPU: one jitted step after the other, and steps in one jitted scan."""

import math

import jax
import jax.numpy as jnp

import peer



def steps_a_call(workload):
    """Sixteen that are timed together, so that JAX can overlap them and a scan saves their calls;
    one where a call is nothing beside its step."""
    return 16 if workload.flops < 2e9 else 1


def step_of(workload):
    """One step: (state, x, y, rows) to (state, loss), in which rows may be None for all."""
    activation = jnp.tanh if workload.activation == "tanh" else jax.nn.relu

    def loss_of(parameters, x, y):
        for W, b in parameters[:-1]:
            x = activation(x @ W + b)
        W, b = parameters[-1]
        out = x @ W + b
        if workload.loss == "mse":
            return jnp.mean((out[:, 0] - y) ** 2)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(out), y[:, None], axis=1))

    def sgd(state, gradient):
        parameters = jax.tree.map(lambda p, g: p - workload.learning_rate * g, state[0], gradient)
        return (parameters,)

    def adam(state, gradient):
        parameters, m, v, t = state
        t = t + 1
        m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradient)
        v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradient)
        m_scale = workload.learning_rate / (1 - 0.9**t)
        v_scale = -1 / jnp.expm1(t * math.log(0.999))  # 1 - 0.999**t loses digits in float32
        parameters = jax.tree.map(
            lambda p, m, v: p - m_scale * m / (jnp.sqrt(v_scale * v) + 1e-8), parameters, m, v
        )
        return parameters, m, v, t

    update = adam if workload.optimizer == "adam" else sgd

    def step(state, x, y, rows):
        if rows is not None:
            x, y = x[rows], y[rows]
        loss, gradient = jax.value_and_grad(loss_of)(state[0], x, y)
        return update(state, gradient), loss

    return step


def begin(data):
    arrays = [jnp.array(p) for p in data.parameters]
    parameters = [(W.T.copy(), b) for W, b in zip(arrays[0::2], arrays[1::2])]
    state = (parameters,)
    if data.workload.optimizer == "adam":
        zeros = jax.tree.map(jnp.zeros_like, parameters)
        state = (parameters, zeros, jax.tree.map(jnp.zeros_like, parameters), jnp.float32(0))
    return state, jnp.array(data.x), jnp.array(data.y)


def jitted(data):
    state, x, y = begin(data)
    step = jax.jit(step_of(data.workload), donate_argnums=0)
    batches = [jnp.array(rows) for rows in data.batches]
    together = steps_a_call(data.workload)

    def run(call):
        # the steps overlap as far as JAX lets them: only the last one is waited for
        nonlocal state
        losses = []
        for i in range(call * together, (call + 1) * together):
            rows = None if data.workload.full_batch else batches[i % len(batches)]
            state, loss = step(state, x, y, rows)
            losses.append(loss)
        jax.block_until_ready(state)
        return losses

    return run, together


def scanned(data):
    state, x, y = begin(data)
    step = step_of(data.workload)
    together = steps_a_call(data.workload)

    def steps(state, x, y, batches):
        return jax.lax.scan(
            lambda state, rows: step(state, x, y, rows), state, batches, length=together
        )

    steps = jax.jit(steps, donate_argnums=0)
    calls = [None]
    if not data.workload.full_batch:
        calls = list(jnp.array(data.batches.reshape(-1, together, data.workload.batch)))

    def run(call):
        nonlocal state
        state, losses = jax.block_until_ready(steps(state, x, y, calls[call % len(calls)]))
        return losses

    return run, together


if __name__ == "__main__":
    peer.main(jax.__version__, {"jit": jitted, "jit of a scan": scanned})
